#pragma once

#include <metalaudio/nn/graph/graph.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::nn {

using Integers = std::vector<std::int64_t>;

inline Integers extents_of(const Shape& shape) {
  return {shape.extents().begin(), shape.extents().end()};
}

/// Writes into a graph what an importer says, and computes at once what depends on constants alone,
/// so that shapes which a model computes are known while it is read. What would change nothing
/// (a cast to the same type) is left out.
/// Errors:   throws Error{invalid_argument} as Graph does, Error{out_of_memory} on computed
///           constants larger than the limit together, Error{unsupported} on an axis of more than 2^31.
class Builder {
 public:
  explicit Builder(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  Graph& graph() noexcept { return graph_; }
  // By value: a graph that grows moves its own.
  Shape shape(Value value) const { return graph_.shape(value); }
  std::size_t rank(Value value) const { return shape(value).rank(); }
  DataType type(Value value) const { return graph_.type(value).type; }
  bool is_constant(Value value) const { return graph_.is_constant(value); }
  const Tensor& tensor(Value value) const { return *graph_.info(value).constant.at_hand(); }

  /// The number of the narrower type of ONNX that a value stands for, or 0.
  int narrow(Value value) const {
    const auto found = narrow_.find(value.index);
    return found == narrow_.end() ? 0 : found->second;
  }
  void mark(Value value, int onnx_type) {
    if (onnx_type != 0) narrow_[value.index] = onnx_type;
  }

  /// Before a list of 8-byte numbers is made: as a constant that is larger than the limit.
  void check_room(double count) const;
  static void check_extents(const Shape& shape);

  Value apply(Operation operation, std::vector<Value> inputs);
  std::vector<Value> apply_all(Operation operation, std::vector<Value> inputs);

  Value constant(Tensor tensor);
  Value integers(const Integers& values, DataType type = DataType::i64);
  Value floats(std::span<const double> values, const Shape& shape, DataType type);
  /// A scalar of a type: 1 of every type is one.
  Value number(double value, DataType type);
  Value filled(const Shape& shape, double value, DataType type);

  Value unary(UnaryFunction function, Value x, double alpha = 0, double beta = 0) {
    return apply(Unary{function, alpha, beta}, {x});
  }
  Value binary(BinaryFunction function, Value a, Value b) {
    return apply(Binary{function}, {a, b});
  }
  Value add(Value a, Value b) { return binary(BinaryFunction::add, a, b); }
  Value subtract(Value a, Value b) { return binary(BinaryFunction::subtract, a, b); }
  Value multiply(Value a, Value b) { return binary(BinaryFunction::multiply, a, b); }
  Value divide(Value a, Value b) { return binary(BinaryFunction::divide, a, b); }
  Value scaled(Value x, double factor) {
    return factor == 1 ? x : multiply(x, number(factor, type(x)));
  }
  Value matmul(Value a, Value b) { return apply(MatMul{}, {a, b}); }
  Value where(Value condition, Value a, Value b) { return apply(Where{}, {condition, a, b}); }
  Value equal(Value a, Value b) { return binary(BinaryFunction::equal, a, b); }
  Value logical_not(Value x) { return unary(UnaryFunction::logical_not, x); }

  Value cast(Value x, DataType to);
  Value reshape(Value x, const Shape& to);
  Value transpose(Value x, const std::vector<std::size_t>& order);
  Value swap_last_two(Value x);
  /// [N][C][…] to [N][…][C], and back.
  Value channels_last(Value x);
  Value channels_first(Value x);
  Value expand(Value x, const Shape& to);
  /// x[start : start + extent] along one axis.
  Value slice(Value x, std::size_t axis, std::int64_t start, std::int64_t extent);
  /// One position along an axis, which goes away.
  Value pick(Value x, std::size_t axis, std::int64_t position);
  Value concat(const std::vector<Value>& parts, std::size_t axis);
  Value reduce(ReduceFunction function, Value x, std::vector<std::size_t> axes, bool keep_axes);
  /// With axes of extent 1 put in before the others until it has this many.
  Value with_rank(Value x, std::size_t rank);
  /// [C] as [C][1]…, so that it repeats along the axes after the one it belongs to.
  Value along_axis(Value x, std::size_t axis, std::size_t rank);

 private:
  Graph graph_;
  std::map<int, int> narrow_;
  std::size_t limit_bytes_;
  std::size_t computed_bytes_ = 0;
};

}  // namespace metalaudio::nn
