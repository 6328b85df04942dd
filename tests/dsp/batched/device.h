#pragma once

#include <gtest/gtest.h>
#include <metalaudio/core/tensor.h>
#include <metalaudio/dsp/batched_options.h>

#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <vector>

namespace metalaudio::dsp {

/// Where the batched processors are tested: the CPU in dsp_tests, a GPU in cuda_dsp_tests.
std::shared_ptr<AudioDevice> batched_test_device();

inline BatchedOptions batched_test_options() { return {.device = batched_test_device()}; }

inline Tensor tensor_of(const std::vector<float>& values, const Shape& shape) {
  Tensor tensor(shape, DataType::f32, batched_test_device());
  tensor.copy_from(values, Allow::any);
  return tensor;
}

/// Full of NaN, so that what is not written shows.
inline Tensor poisoned(const Shape& shape) {
  const auto size = static_cast<std::size_t>(shape.size());
  return tensor_of(std::vector<float>(size, std::numeric_limits<float>::quiet_NaN()), shape);
}

inline std::vector<float> values_of(const Tensor& tensor) {
  std::vector<float> values(tensor.size());
  tensor.copy_to(values, Allow::any);
  return values;
}

inline std::vector<float> noise(std::size_t count, unsigned seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

/// The error's root mean square over the reference's.
template <typename T>
double relative_error(std::span<const float> values, std::span<const T> reference) {
  EXPECT_EQ(values.size(), reference.size());
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double difference = values[i] - static_cast<double>(reference[i]);
    error += difference * difference;
    power += static_cast<double>(reference[i]) * static_cast<double>(reference[i]);
  }
  return std::sqrt(error / std::max(power, 1e-300));
}

/// One rounding of float32 for each doubling of the size, and two on the way in and out.
inline double fft_tolerance(std::size_t size) {
  return 6e-8 * (2 + std::log2(static_cast<double>(size)));
}

}  // namespace metalaudio::dsp
