#include <metalaudio/nn/operations/operation.h>

#include <type_traits>

namespace metalaudio::nn {

std::string_view name_of(const Operation& operation) noexcept {
  return std::visit(
      [](const auto& o) -> std::string_view {
        if constexpr (requires { to_string(o.function); }) {
          return to_string(o.function);
        } else {
          return o.kName;
        }
      },
      operation);
}

std::span<const Role> roles_of(const Operation& operation) noexcept {
  return std::visit([](const auto& o) -> std::span<const Role> { return o.kInputs; }, operation);
}

bool is_variadic(const Operation& operation) noexcept {
  return std::visit(
      [](const auto& o) {
        return requires { o.kVariadic; };
      },
      operation);
}

ValueTypes infer(const Operation& operation, const Inputs& inputs) {
  return std::visit([&](const auto& o) { return o.infer(inputs); }, operation);
}

}  // namespace metalaudio::nn
