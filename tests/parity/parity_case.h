#pragma once

#include <metalaudio/nn/graph/graph.h>

#include <functional>
#include <map>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "tests/parity/reference.h"

namespace metalaudio::nn {

/// Writes a graph with numbers that repeat from run to run, and the inputs to run it with.
class Maker {
 public:
  /// Normal numbers around 0.2, small integers with the extremes of their type among them, or
  /// booleans.
  Value input(const Shape& shape, DataType type = DataType::f32);
  /// Even between two limits, integers included.
  Value input_between(const Shape& shape, double low, double high, DataType type = DataType::f32);
  /// These, over and over.
  Value input_of(const Shape& shape, const std::vector<double>& values,
                 DataType type = DataType::f32);
  Value random(const Shape& shape, double scale = 1, double offset = 0);
  /// A convolution of axes.size() axes with a bias; so many kernels of 1 in front as it takes.
  Value conv(Value x, std::int64_t out, std::vector<SlidingAxis> axes, std::int64_t groups = 1,
             bool bias = true);
  Value conv_transpose(Value x, std::int64_t out, std::vector<TransposeAxis> axes,
                       std::int64_t groups = 1, bool bias = true);
  Value norm(Value x, const GroupNorm& norm);
  Value unary(Value x, UnaryFunction function) { return graph.apply(Unary{function}, {x}); }
  Value add(Value a, Value b) { return graph.apply(Binary{BinaryFunction::add}, {a, b}); }
  Value multiply(Value a, Value b) { return graph.apply(Binary{BinaryFunction::multiply}, {a, b}); }
  void finish(Value value) { graph.output("y", value); }

  Graph graph;
  std::map<std::string, ReferenceValue> inputs;
  std::map<std::string, ReferenceValue> expected;  ///< once the reference has run
  std::mt19937 generator{7};

 private:
  Value add_input(ReferenceValue value);
  std::size_t constants_ = 0;
};

/// How close a case must come to the reference.
enum class Tolerance {
  exact,     ///< moves numbers, or computes integers
  elements,  ///< every element by itself
  sums,      ///< the normalised error of all elements together
};

constexpr std::size_t kAnyNumber = static_cast<std::size_t>(-1);

struct ParityCase {
  std::string name;
  std::function<void(Maker&, std::size_t variant)> make;
  std::size_t variants = 1;
  std::size_t steps = 1;  ///< that fusion leaves, or kAnyNumber
  Tolerance tolerance = Tolerance::sums;
  bool product = false;    ///< multiplies in the plan's precision
  bool rounds = true;      ///< in bf16; false: or stays in float32 where that is as fast
  double bf16_factor = 1;  ///< by which the errors of rounded products are enlarged behind them
};

inline void PrintTo(const ParityCase& parity_case, std::ostream* stream) {
  *stream << parity_case.name;
}

std::vector<ParityCase> convolution_cases();
std::vector<ParityCase> fused_cases();
/// Convolutions that take minimal filtering on the CPU.
std::vector<ParityCase> filtering_cases();
std::vector<ParityCase> norm_cases();
std::vector<ParityCase> elementwise_cases();
std::vector<ParityCase> movement_cases();
std::vector<ParityCase> attention_cases();
std::vector<ParityCase> recurrent_cases();
std::vector<ParityCase> indexing_cases();
std::vector<ParityCase> reduction_cases();
std::vector<ParityCase> resampling_cases();
std::vector<ParityCase> transform_cases();
/// Products of few rows, and convolutions to few channels.
std::vector<ParityCase> small_cases();
/// Types, and options, for which there are no fast steps.
std::vector<ParityCase> general_cases();
/// Sizes from which on a GPU goes other ways.
std::vector<ParityCase> gpu_cases();

/// 0 to twice the widest vector (16 floats), and the edges of the product kernels' tiles.
inline const std::vector<std::int64_t> kSizes = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33};

/// Draws the parameters of a variant.
class Dice {
 public:
  explicit Dice(std::size_t variant) : generator_(static_cast<unsigned>(variant) + 1) {}
  /// Both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(generator_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool flip() { return between(0, 1) == 1; }
  template <typename T>
  T of(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(
        between(0, static_cast<std::int64_t>(values.size()) - 1))];
  }
  /// One of kSizes, at least `least`.
  std::int64_t size(std::int64_t least = 1) {
    const std::int64_t drawn = of(kSizes);
    return drawn < least ? least : drawn;
  }
  /// So many small extents.
  std::vector<std::int64_t> extents(std::int64_t count, std::int64_t most = 4) {
    std::vector<std::int64_t> drawn;
    for (std::int64_t i = 0; i < count; ++i) drawn.push_back(between(1, most));
    return drawn;
  }

 private:
  std::mt19937 generator_;
};

}  // namespace metalaudio::nn
