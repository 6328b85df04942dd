#include <metalaudio/nn/fusion/activation_of.h>

namespace metalaudio::nn {

std::optional<Activation> activation_of(const Operation& operation) noexcept {
  if (std::holds_alternative<Glu>(operation)) return Activation::glu;
  const auto* unary = std::get_if<Unary>(&operation);
  if (unary == nullptr) return std::nullopt;
  switch (unary->function) {
    case UnaryFunction::gelu:
      return Activation::gelu;
    case UnaryFunction::gelu_tanh:
      return Activation::gelu_tanh;
    case UnaryFunction::relu:
      return Activation::relu;
    case UnaryFunction::sigmoid:
      return Activation::sigmoid;
    case UnaryFunction::tanh:
      return Activation::tanh;
    case UnaryFunction::silu:
      return Activation::silu;
    default:
      return std::nullopt;
  }
}

}  // namespace metalaudio::nn
