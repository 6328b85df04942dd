#pragma once

#include <metalaudio/core/tensor.h>
#include <metalaudio/nn/operations/value_type.h>

#include <functional>
#include <memory>
#include <utility>

namespace metalaudio::nn {

/// The numbers of a constant: at hand, or made each time that they are asked for, so that weights
/// of which a step packs its own copy are not in memory besides.
/// Errors:   tensor() throws what the function that makes it throws.
/// Threads:  a value; tensor() from any thread.
class Constant {
 public:
  Constant() = default;
  explicit Constant(std::shared_ptr<const Tensor> tensor)
      : type_{tensor->shape(), tensor->type()}, tensor_(std::move(tensor)) {}
  explicit Constant(Tensor tensor) : Constant(std::make_shared<const Tensor>(std::move(tensor))) {}
  /// make() gives a tensor of this type, whenever and on whatever thread it is called.
  Constant(ValueType type, std::function<Tensor()> make)
      : type_(std::move(type)), make_(std::move(make)) {}

  const ValueType& type() const noexcept { return type_; }
  /// Null where it has first to be made.
  const Tensor* at_hand() const noexcept { return tensor_.get(); }
  /// The same numbers, the caller's to change.
  Tensor copy() const { return make_ ? make_() : Tensor(*tensor_); }
  /// Null for none.
  std::shared_ptr<const Tensor> tensor() const {
    return make_ ? std::make_shared<const Tensor>(make_()) : tensor_;
  }

 private:
  ValueType type_ = {};
  std::shared_ptr<const Tensor> tensor_;
  std::function<Tensor()> make_;
};

}  // namespace metalaudio::nn
