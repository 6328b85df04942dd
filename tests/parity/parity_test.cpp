#include <gtest/gtest.h>
#include <metalaudio/nn/cpu/backend_with_kernel.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/plan.h>

#include <cmath>
#include <cstring>

#include "tests/parity/parity_case.h"
#include "tests/support/fake_backend.h"
#include "tests/support/realtime_guard.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::nn {
namespace {

/// Float32 sums of up to a few thousand products: 1e-7 is the design's bound, and 1e-12 the order
/// of what is reached.
constexpr double kSumBound = 1e-11;
/// One result of a function of float32: a few units in the last place of the largest term.
constexpr double kElementBound = 2e-6;
/// Both factors of a product are rounded to 8 bits: 2^-9 each, relative, uniformly distributed.
constexpr double kBf16Bound = 3e-5;
/// What float32 never leaves, and bfloat16 always does.
constexpr double kBf16Least = 1e-9;

/// A result that lies on the edge between two numbers of a 16-bit type may fall on either side.
double unit_of(DataType type) {
  switch (type) {
    case DataType::f16:
      return 0x1p-10;
    case DataType::bf16:
      return 0x1p-7;
    default:
      return 0;
  }
}

/// The squares of the errors of some outputs, and of what they should be.
struct Errors {
  Number error = 0;
  Number power = 0;

  void add(const ReferenceValue& a, const ReferenceValue& b) {
    for (std::size_t i = 0; i < b.values.size(); ++i) {
      error += (a.values[i] - b.values[i]) * (a.values[i] - b.values[i]);
      // Results are of the order of 1; those that cancelled are not measured by what is left.
      power += std::max<Number>(b.values[i] * b.values[i], 1e-3L);
    }
  }
  /// Σ (a - b)² / Σ b², the measure of the design.
  double normalised() const { return static_cast<double>(error == 0 ? 0 : error / power); }
};

double normalised_error(const ReferenceValue& a, const ReferenceValue& b) {
  Errors errors;
  errors.add(a, b);
  return errors.normalised();
}

bool same(Number a, Number b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// The largest error of an element, relative to it or to 1.
double worst_element(const ReferenceValue& a, const ReferenceValue& b) {
  Number worst = 0;
  for (std::size_t i = 0; i < b.values.size(); ++i) {
    if (same(a.values[i], b.values[i])) continue;
    const Number error =
        std::fabs(a.values[i] - b.values[i]) / std::max<Number>(1, std::fabs(b.values[i]));
    worst = std::isnan(error) ? INFINITY : std::max(worst, error);
  }
  return static_cast<double>(worst);
}

/// Makes all memory of the values NaN, so that what a step forgets to write shows.
void poison(Plan& plan, const Graph& graph) {
  if (graph.inputs().empty() || plan.statistics().activation_bytes == 0) return;
  std::memset(plan.input(graph.inputs()[0].first).handle(), 0xFF,
              plan.statistics().activation_bytes);
}

class Parity : public ::testing::TestWithParam<ParityCase> {
 protected:
  using Check = std::function<void(const ReferenceValue& result, const ReferenceValue& expected)>;

  /// Runs a variant twice, the second time over what the first left, and checks every output.
  void run(Maker& maker, const PlanOptions& options, const Check& check) {
    Plan plan(maker.graph, options);
    steps_ = plan.statistics().steps;
    if (maker.expected.empty()) maker.expected = ReferencePlan(maker.graph).run(maker.inputs);
    for (int repetition = 0; repetition < 2; ++repetition) {
      if (repetition == 0) poison(plan, maker.graph);
      for (const auto& [name, value] : maker.inputs) write(value, plan.input(name));
      if (options.pool == nullptr && options.backends.empty()) {
        const metalaudio::testing::RealtimeGuard guard;
        plan.run();
      } else {
        plan.run();
      }
      for (const auto& [name, value] : maker.expected) {
        const ReferenceValue result = reference_value(plan.output(name));
        ASSERT_EQ(result.type, value.type);
        check(result, value);
      }
    }
  }

  void expect_close(const ReferenceValue& result, const ReferenceValue& expected) const {
    const DataType type = expected.type.type;
    if (GetParam().tolerance == Tolerance::exact || !is_floating(type)) {
      EXPECT_EQ(worst_element(result, expected), 0);
    } else if (GetParam().tolerance == Tolerance::elements) {
      EXPECT_LE(worst_element(result, expected), kElementBound + unit_of(type));
    } else {
      EXPECT_LE(normalised_error(result, expected), kSumBound + unit_of(type) * unit_of(type));
    }
  }

  template <typename Body>
  void for_each_variant(Body&& body) {
    for (std::size_t variant = 0; variant < GetParam().variants; ++variant) {
      SCOPED_TRACE(variant);
      Maker maker;
      GetParam().make(maker, variant);
      body(maker);
      if (HasFailure()) return;
    }
  }

  std::size_t steps_ = 0;
};

TEST_P(Parity, EqualsTheReferenceOnEveryInstructionSet) {
  for_each_variant([this](Maker& maker) {
    for_each_target([&](const char* target) {
      SCOPED_TRACE(target);
      run(maker, {}, [this](const auto& a, const auto& b) { expect_close(a, b); });
      if (GetParam().steps != kAnyNumber) {
        EXPECT_EQ(steps_, GetParam().steps);
      }
    });
  });
}

TEST_P(Parity, EqualsTheReferenceOnThreads) {
  ThreadPool pool(3);
  PlanOptions options;
  options.pool = &pool;
  for_each_variant([&](Maker& maker) {
    run(maker, options, [this](const auto& a, const auto& b) { expect_close(a, b); });
  });
}

/// No kernel may rely on where a value begins: a view of a larger one begins anywhere.
TEST_P(Parity, EqualsTheReferenceOnMisalignedValues) {
  PlanOptions options;
  options.backends = {std::make_shared<FakeBackend>(FakeBackendOptions{.misalign = true})};
  for_each_variant([&](Maker& maker) {
    for_each_target([&](const char* target) {
      SCOPED_TRACE(target);
      run(maker, options, [this](const auto& a, const auto& b) { expect_close(a, b); });
    });
  });
}

/// What fuses, or multiplies in the plan's precision.
class ParityOfPlans : public Parity {};

TEST_P(ParityOfPlans, EqualsTheReferenceUnfused) {
  PlanOptions options;
  options.fuse = false;
  for_each_variant([&](Maker& maker) {
    run(maker, options, [this](const auto& a, const auto& b) { expect_close(a, b); });
  });
}

/// The kernel of float32 that large steps take where the processor has AMX, in steps of every size.
TEST_P(ParityOfPlans, EqualsTheReferenceInTiles) {
  if (!cpu::GemmPairs::available(cpu::GemmPairs::Unit::tiles)) return;
  static const cpu::GemmPairs tiles(cpu::GemmPairs::Unit::tiles, 3);
  PlanOptions options;
  options.backends = {cpu::make_backend(tiles, 1, {})};
  for_each_variant([&](Maker& maker) {
    run(maker, options, [this](const auto& a, const auto& b) { expect_close(a, b); });
  });
}

/// What bf16 is here, and every way of multiplying bfloat16 that this processor has.
std::vector<PlanOptions> bf16_options() {
  using Unit = cpu::GemmPairs::Unit;
  static const cpu::GemmPairs in_vectors(Unit::vectors);
  std::vector<PlanOptions> all(1);
  all[0].precision = Precision::bf16;
  if (cpu::GemmPairs::available(Unit::vectors)) {
    all.emplace_back().backends = {cpu::make_backend(in_vectors, 1, {})};
  }
  return all;
}
bool rounds(const PlanOptions& options) {
  return !options.backends.empty() || cpu_arithmetic(Precision::bf16).starts_with("bf16");
}

/// Close to the reference, and yet not the same: or the precision would not be in effect. Single
/// numbers may round to themselves or cancel, so that bounds hold over all variants together.
TEST_P(ParityOfPlans, IsRoundedInBf16WhereItMultiplies) {
  const std::vector<PlanOptions> options = bf16_options();
  std::vector<Errors> errors(options.size());
  std::vector<std::size_t> exact(options.size());
  for_each_variant([&](Maker& maker) {
    for (std::size_t way = 0; way < options.size(); ++way) {
      SCOPED_TRACE(way);
      Errors here;
      run(maker, options[way], [&](const auto& a, const auto& b) {
        if (!GetParam().product || !rounds(options[way])) return expect_close(a, b);
        errors[way].add(a, b);
        here.add(a, b);
      });
      exact[way] += here.normalised() < kBf16Least ? 1 : 0;
    }
  });
  if (!GetParam().product) return;
  for (std::size_t way = 0; way < options.size(); ++way) {
    SCOPED_TRACE(way);
    EXPECT_LT(errors[way].normalised(), kBf16Bound * GetParam().bf16_factor);
    if (!GetParam().rounds || !rounds(options[way])) continue;
    EXPECT_GT(errors[way].normalised(), kBf16Least);
    EXPECT_LE(exact[way], GetParam().variants / 5);
  }
}

std::string name_of_case(const ::testing::TestParamInfo<ParityCase>& test) {
  return test.param.name;
}

INSTANTIATE_TEST_SUITE_P(Convolution, Parity, ::testing::ValuesIn(convolution_cases()),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(Filtering, Parity, ::testing::ValuesIn(filtering_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Fused, Parity, ::testing::ValuesIn(fused_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Norm, Parity, ::testing::ValuesIn(norm_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Elementwise, Parity, ::testing::ValuesIn(elementwise_cases()),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(Movement, Parity, ::testing::ValuesIn(movement_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Attention, Parity, ::testing::ValuesIn(attention_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Recurrent, Parity, ::testing::ValuesIn(recurrent_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Indexing, Parity, ::testing::ValuesIn(indexing_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Reduction, Parity, ::testing::ValuesIn(reduction_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Resampling, Parity, ::testing::ValuesIn(resampling_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Transform, Parity, ::testing::ValuesIn(transform_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(General, Parity, ::testing::ValuesIn(general_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Small, Parity, ::testing::ValuesIn(small_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Small, ParityOfPlans, ::testing::ValuesIn(small_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(General, ParityOfPlans, ::testing::ValuesIn(general_cases()),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(Convolution, ParityOfPlans, ::testing::ValuesIn(convolution_cases()),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(Filtering, ParityOfPlans, ::testing::ValuesIn(filtering_cases()),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(Fused, ParityOfPlans, ::testing::ValuesIn(fused_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Norm, ParityOfPlans, ::testing::ValuesIn(norm_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Attention, ParityOfPlans, ::testing::ValuesIn(attention_cases()),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(Recurrent, ParityOfPlans, ::testing::ValuesIn(recurrent_cases()),
                         name_of_case);

}  // namespace
}  // namespace metalaudio::nn
