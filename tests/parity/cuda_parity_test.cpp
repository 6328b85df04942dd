#include <gtest/gtest.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/cuda_backend.h>
#include <metalaudio/nn/plan.h>

#include <cmath>
#include <iostream>
#include <set>

#include "tests/parity/parity_case.h"

namespace metalaudio::nn {
namespace {

std::vector<ParityCase> all_cases() {
  std::vector<ParityCase> all;
  for (const auto& cases :
       {convolution_cases(), fused_cases(), filtering_cases(), norm_cases(), elementwise_cases(),
        movement_cases(), attention_cases(), recurrent_cases(), indexing_cases(), reduction_cases(),
        resampling_cases(), transform_cases(), small_cases(), general_cases(), gpu_cases()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

/// A result of a 16-bit type may fall on either side of the edge between two numbers.
double unit_of(DataType type) {
  return type == DataType::f16 ? 0x1p-10 : type == DataType::bf16 ? 0x1p-7 : 0;
}

/// Functions that jump, or are steep where their argument is near a limit: a rounded argument gives
/// another result, which says nothing about the kernel.
bool jumps(const std::string& name) {
  for (const char* part : {"floor", "ceil",  "round", "mod",     "sign",  "shrink", "thresholded",
                           "acos",  "asin",  "atanh", "far_out", "arg_",  "top_k",  "quantize",
                           "cast",  "equal", "less",  "greater", "power", "tan",    "one_hot"}) {
    if (name.find(part) != std::string::npos) return true;
  }
  return false;
}

/// The largest normalised error Σ (a - b)² / Σ b² of sums, and error of one element relative to it
/// or to 1. CUDA's functions err by a few units in the last place more than ours; tf32 and fp16 round
/// to 11 bits, 2^-12 each, bf16 to 8, and chains of operations add such errors up.
struct Bounds {
  double sums;
  double elements;
};
Bounds bounds_of(Precision precision) {
  switch (precision) {
    case Precision::tf32:
      return {5e-6, 5e-6};
    case Precision::fp16:
      return {1e-5, 6e-3};
    case Precision::bf16:
      return {1e-3, 5e-2};
    default:
      return {2e-11, 5e-6};
  }
}

struct Errors {
  Number error = 0;
  Number power = 0;
  Number worst = 0;
};

Errors errors_of(const ReferenceValue& a, const ReferenceValue& b) {
  Errors errors;
  for (std::size_t i = 0; i < b.values.size(); ++i) {
    if (a.values[i] == b.values[i] || (std::isnan(a.values[i]) && std::isnan(b.values[i])))
      continue;
    const Number error = std::fabs(a.values[i] - b.values[i]);
    errors.error += error * error;
    const Number relative = error / std::max<Number>(1, std::fabs(b.values[i]));
    errors.worst = std::isnan(relative) ? INFINITY : std::max(errors.worst, relative);
  }
  for (const Number value : b.values) {
    if (std::isfinite(value)) errors.power += std::max<Number>(value * value, 1e-3L);
  }
  return errors;
}

/// Half precision ends at 65504, where the reference goes on.
bool fits_half(const Maker& maker) {
  const auto fits = [](const auto& values) {
    for (const auto& [name, value] : values) {
      for (const Number number : value.values) {
        if (std::isfinite(number) && std::fabs(number) > 2000) return false;
      }
    }
    return true;
  };
  return fits(maker.inputs) && fits(maker.expected);
}

class CudaParity : public ::testing::TestWithParam<ParityCase> {
 protected:
  static void SetUpTestSuite() { device_ = open_device(DeviceType::cuda); }
  static void TearDownTestSuite() {
    std::string names;
    for (const std::string& name : elsewhere_) names += " " + name;
    std::cout << "on the CPU:" << names << "\n";
    device_.reset();
  }

  void check(Precision precision, bool fuse) {
    PlanOptions options;
    options.backends = {make_cuda_backend(device_, precision), make_cpu_backend()};
    options.ports_place = 0;
    options.fuse = fuse;
    for (std::size_t variant = 0; variant < GetParam().variants; ++variant) {
      SCOPED_TRACE(variant);
      Maker maker;
      GetParam().make(maker, variant);
      maker.expected = ReferencePlan(maker.graph).run(maker.inputs);
      if (precision == Precision::fp16 && !fits_half(maker)) continue;
      const bool narrow = precision == Precision::fp16 || precision == Precision::bf16;
      if (narrow && jumps(GetParam().name)) continue;
      run(maker, options, bounds_of(precision));
      if (HasFailure()) return;
    }
  }

  static void run(Maker& maker, const PlanOptions& options, const Bounds& bounds) {
    Plan plan(maker.graph, options);
    for (const StepReport& step : plan.report().steps) {
      if (step.backend != "cuda") elsewhere_.insert(step.kind);
    }
    for (int repetition = 0; repetition < 2; ++repetition) {
      if (repetition == 0) poison(plan, maker.graph);
      for (const auto& [name, value] : maker.inputs) {
        Tensor host(value.type.shape, value.type.type);
        write(value, host.view());
        copy(host.view(), plan.input(name));
      }
      plan.run();
      for (const auto& [name, value] : maker.expected) {
        const ConstTensorView view = plan.output(name);
        Tensor host(view.shape(), view.type());
        copy(view, host.view());
        ASSERT_FALSE(plan.lost());
        const ReferenceValue result = reference_value(host.view());
        ASSERT_EQ(result.type, value.type);
        const Errors errors = errors_of(result, value);
        if (GetParam().tolerance == Tolerance::exact && bounds.elements < 1e-5) {
          EXPECT_EQ(errors.worst, 0);
        } else if (GetParam().tolerance == Tolerance::sums) {
          const double unit = unit_of(value.type.type);
          EXPECT_LE(static_cast<double>(errors.error),
                    (bounds.sums + unit * unit) * static_cast<double>(errors.power));
        } else {
          EXPECT_LE(static_cast<double>(errors.worst), bounds.elements + unit_of(value.type.type));
        }
      }
    }
  }

  /// Makes the memory of all values on the device NaN.
  static void poison(Plan& plan, const Graph& graph) {
    if (graph.inputs().empty()) return;
    const std::size_t bytes = plan.input(graph.inputs()[0].first).bytes();
    const std::vector<std::byte> nans(bytes, std::byte{0xFF});
    const TensorView view = plan.input(graph.inputs()[0].first);
    if (bytes > 0) device_->upload(view.handle(), view.offset(), nans.data(), bytes);
  }

  static inline std::shared_ptr<AudioDevice> device_;
  static inline std::set<std::string> elsewhere_;
};

TEST_P(CudaParity, EqualsTheReference) { check(Precision::fp32, true); }
TEST_P(CudaParity, EqualsTheReferenceUnfused) { check(Precision::fp32, false); }
TEST_P(CudaParity, IsCloseInTf32) { check(Precision::tf32, true); }
TEST_P(CudaParity, IsCloseInFp16) { check(Precision::fp16, true); }
TEST_P(CudaParity, IsCloseInBf16) { check(Precision::bf16, true); }

INSTANTIATE_TEST_SUITE_P(Operations, CudaParity, ::testing::ValuesIn(all_cases()),
                         [](const auto& test) {
                           // Some names occur in several files of cases.
                           return test.param.name + "_" + std::to_string(test.index);
                         });

}  // namespace
}  // namespace metalaudio::nn
