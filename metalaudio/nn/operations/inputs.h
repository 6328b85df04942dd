#pragma once

#include <metalaudio/core/error.h>
#include <metalaudio/core/tensor.h>
#include <metalaudio/nn/operations/value_type.h>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace metalaudio::nn {

/// What an operation does with one of its inputs. A weight may be packed by a backend while
/// planning, where it is constant; a state is what an earlier block left.
enum class Role { data, weight, optional_data, optional_weight, state, optional_state };

constexpr bool is_optional(Role role) noexcept {
  return role == Role::optional_data || role == Role::optional_weight ||
         role == Role::optional_state;
}

/// Why an operation does not take its inputs. The graph turns it into an Error with the operation's
/// name and label.
struct Rejection : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <typename... Args>
[[noreturn]] void reject(fmt::format_string<Args...> format, Args&&... args) {
  throw Rejection(fmt::format(format, std::forward<Args>(args)...));
}

/// One input as infer() sees it.
struct Input {
  const ValueType* type = nullptr;   ///< null: the optional input is absent
  const Tensor* constant = nullptr;  ///< null: known only when the graph runs
};

/// The inputs of an operation, in the order of its roles.
/// Errors:   what rejects throws Rejection.
/// Threads:  a value; it refers to what it was made of.
class Inputs {
 public:
  explicit Inputs(std::span<const Input> inputs) : inputs_(inputs) {}

  std::size_t size() const noexcept { return inputs_.size(); }
  bool has(std::size_t index) const noexcept {
    return index < inputs_.size() && inputs_[index].type != nullptr;
  }
  const ValueType& operator[](std::size_t index) const { return *inputs_[index].type; }
  const Shape& shape(std::size_t index) const { return inputs_[index].type->shape; }
  DataType type(std::size_t index) const { return inputs_[index].type->type; }
  const Tensor* constant(std::size_t index) const { return inputs_[index].constant; }

  /// Rejects an input that is there and has another shape.
  void expect_shape(std::size_t index, const Shape& expected, const char* what) const {
    if (has(index) && shape(index) != expected) {
      reject("{} is {}, expected {}", what, shape(index).to_string(), expected.to_string());
    }
  }
  /// Rejects inputs of another type than the first.
  void expect_one_type() const {
    for (std::size_t i = 1; i < size(); ++i) {
      if (has(i) && type(i) != type(0)) {
        reject("input {} is {}, input 0 is {}", i, inputs_[i].type->to_string(),
               inputs_[0].type->to_string());
      }
    }
  }
  /// Rejects types that are not floating; weights may have another one than the data.
  void expect_floating_each() const {
    for (std::size_t i = 0; i < size(); ++i) {
      if (has(i) && !is_floating(type(i))) {
        reject("input {} is {}: a floating type is needed", i, inputs_[i].type->to_string());
      }
    }
  }
  /// Data of a floating type, and weights of the same, or of float32 beside data of 16 bits.
  void expect_floating_weights() const {
    if (!is_floating(type(0))) reject("{}: a floating type is needed", (*this)[0].to_string());
    const bool half = type(0) == DataType::f16 || type(0) == DataType::bf16;
    for (std::size_t i = 1; i < size(); ++i) {
      if (has(i) && type(i) != type(0) && !(half && type(i) == DataType::f32)) {
        reject("input {} is {}, input 0 is {}", i, inputs_[i].type->to_string(),
               inputs_[0].type->to_string());
      }
    }
  }
  void expect_floating() const {
    if (!is_floating(type(0))) reject("{}: a floating type is needed", (*this)[0].to_string());
    expect_one_type();
  }

 private:
  std::span<const Input> inputs_;
};

/// Where a negative axis counts from the end; rejects one that is not there.
std::size_t axis_of(std::int64_t axis, std::size_t rank);

/// The shape that both repeat to, by the rule of numpy and ONNX; rejects shapes that do not fit.
Shape broadcast(const Shape& a, const Shape& b);

}  // namespace metalaudio::nn
