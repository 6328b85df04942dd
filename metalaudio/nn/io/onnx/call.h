#pragma once

#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/onnx/builder.h>
#include <metalaudio/nn/io/onnx/onnx_file.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace metalaudio::nn {

/// What a node asks for and this importer has not; collected over the whole model.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A value that must be known while the model is read, and is not.
struct NotConstant : Unsupported {
  NotConstant(const std::string& what, Value which) : Unsupported(what), value(which) {}
  Value value;
};

template <typename... Args>
[[noreturn]] void unsupported(fmt::format_string<Args...> format, Args&&... args) {
  throw Unsupported(fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void invalid(fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorCode::invalid_data, format, std::forward<Args>(args)...);
}

/// Attributes that a function's caller gave, for those that refer to them.
using Bindings = OnnxAttributes;

/// One node while it is imported: its inputs, its attributes with ONNX's defaults, and the builder
/// that its meaning is written with.
/// Errors:   throws Error{invalid_data} on what the specification forbids, Unsupported on what is
///           not there.
class Call {
 public:
  Call(const OnnxNode& node, const Bindings* bindings, std::vector<Value> inputs,
       std::int64_t opset, Builder& builder)
      : b(builder), node_(&node), bindings_(bindings), inputs_(std::move(inputs)), opset_(opset) {}

  Builder& b;
  bool carry_states = false;  ///< recurrent layers keep what they end with
  bool sampled = false;       ///< weights that are inputs are asked for as constants

  const OnnxNode& node() const noexcept { return *node_; }
  std::int64_t opset() const noexcept { return opset_; }
  std::size_t outputs() const noexcept { return node_->outputs.size(); }
  bool wants(std::size_t output) const noexcept {
    return output < outputs() && !node_->outputs[output].empty();
  }

  std::size_t size() const noexcept { return inputs_.size(); }
  bool has(std::size_t i) const noexcept { return i < inputs_.size() && inputs_[i].present(); }
  Value in(std::size_t i) const;
  /// Value{} where the optional input is absent.
  Value optional(std::size_t i) const { return has(i) ? inputs_[i] : Value{}; }
  const std::vector<Value>& all() const noexcept { return inputs_; }
  Shape shape(std::size_t i) const { return b.shape(in(i)); }
  DataType type(std::size_t i) const { return b.type(in(i)); }

  /// An input whose value shapes depend on.
  const Tensor& constant(std::size_t i) const;
  /// A weight: constant where that can be had, as backends want it.
  Value weight(std::size_t i) const;
  /// A constant input of integers; nothing where it is absent.
  std::optional<Integers> integers(std::size_t i) const;
  std::optional<std::vector<double>> numbers(std::size_t i) const;
  std::optional<double> number(std::size_t i) const;
  /// The same of an input that has to be there; needed_integer has one value.
  Integers needed_integers(std::size_t i) const;
  std::int64_t needed_integer(std::size_t i) const;
  std::vector<double> needed_numbers(std::size_t i) const;
  double needed_number(std::size_t i) const;

  bool has_attribute(std::string_view name) const { return find(name) != nullptr; }
  std::int64_t attribute(std::string_view name, std::int64_t otherwise) const;
  double attribute(std::string_view name, double otherwise) const;
  std::string attribute(std::string_view name, const char* otherwise) const;
  std::optional<Integers> attribute_integers(std::string_view name) const;
  std::optional<std::vector<float>> attribute_floats(std::string_view name) const;
  std::vector<std::string> attribute_strings(std::string_view name) const;
  std::optional<Value> attribute_tensor(std::string_view name) const;
  const OnnxGraph& attribute_graph(std::string_view name) const;
  DataType attribute_type(std::string_view name, DataType otherwise) const;
  /// The number of a narrower type that such an attribute names, or 0.
  int attribute_narrow(std::string_view name) const;

  /// Axes that were an attribute before they became an input.
  std::optional<Integers> axes(std::size_t input, std::string_view name) const;

 private:
  const OnnxAttribute* find(std::string_view name) const;
  template <typename T>
  const T* find_as(std::string_view name) const;

  const OnnxNode* node_;
  const Bindings* bindings_;
  std::vector<Value> inputs_;
  std::int64_t opset_;
};

/// Where an axis that may count from the end lies.
std::size_t axis_in(std::int64_t axis, std::size_t rank);
/// The same for several, in order; rejects one that is named twice.
std::vector<std::size_t> axes_in(const Integers& axes, std::size_t rank);
/// The numbers of a tensor of any type.
std::vector<double> numbers_of(const Tensor& tensor);
Integers integers_of(const Tensor& tensor);

}  // namespace metalaudio::nn
