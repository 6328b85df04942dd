#include "tests/parity/parity_case.h"

#include <cmath>
#include <limits>

namespace metalaudio::nn {

namespace {

/// As the type holds it.
Number rounded(double value, DataType type) {
  return visit_type(type, [&]<typename T>(std::type_identity<T>) -> Number {
    if constexpr (std::is_arithmetic_v<T>) {
      return static_cast<T>(value);
    } else {
      return static_cast<float>(T(static_cast<float>(value)));
    }
  });
}

}  // namespace

Value Maker::add_input(ReferenceValue value) {
  const std::string name = "x" + std::to_string(inputs.size());
  const Value made = graph.input(name, value.type.shape, value.type.type);
  inputs[name] = std::move(value);
  return made;
}

Value Maker::input(const Shape& shape, DataType type) {
  ReferenceValue value{{shape, type}, {}};
  std::normal_distribution<double> normal(0.2, 1);
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    value.values.push_back(visit_type(type, [&]<typename T>(std::type_identity<T>) -> Number {
      if constexpr (std::is_same_v<T, bool>) {
        return generator() % 2;
      } else if constexpr (std::is_integral_v<T>) {
        constexpr T kExtremes[] = {std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), 0};
        if (generator() % 8 == 0) return kExtremes[generator() % 3];
        return static_cast<T>(static_cast<int>(generator() % 41) - (std::is_signed_v<T> ? 20 : 0));
      } else {
        return rounded(normal(generator), type);
      }
    }));
  }
  return add_input(std::move(value));
}

Value Maker::input_between(const Shape& shape, double low, double high, DataType type) {
  ReferenceValue value{{shape, type}, {}};
  std::uniform_real_distribution<double> even(low, high);
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    const double number = even(generator);
    value.values.push_back(rounded(is_integer(type) ? std::round(number) : number, type));
  }
  return add_input(std::move(value));
}

Value Maker::input_of(const Shape& shape, const std::vector<double>& values, DataType type) {
  ReferenceValue value{{shape, type}, {}};
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    value.values.push_back(rounded(values[static_cast<std::size_t>(i) % values.size()], type));
  }
  return add_input(std::move(value));
}

Value Maker::random(const Shape& shape, double scale, double offset) {
  Tensor tensor(shape);
  std::normal_distribution<double> normal(offset, scale);
  for (float& v : tensor.values()) v = static_cast<float>(normal(generator));
  return graph.constant(std::move(tensor));
}

Value Maker::conv(Value x, std::int64_t out, std::vector<SlidingAxis> axes, std::int64_t groups,
                  bool bias) {
  std::vector<std::int64_t> shape{out};
  for (const SlidingAxis& axis : axes) shape.push_back(axis.kernel);
  shape.push_back(graph.shape(x).back() / groups);
  const auto terms =
      static_cast<double>(Shape(shape).size()) / std::max<double>(1, static_cast<double>(out));
  const Value weight = random(Shape(shape), 1 / std::sqrt(std::max(1.0, terms)));
  return graph.apply(Conv{std::move(axes), groups}, {x, weight, bias ? random({out}) : Value{}});
}

Value Maker::conv_transpose(Value x, std::int64_t out, std::vector<TransposeAxis> axes,
                            std::int64_t groups, bool bias) {
  std::vector<std::int64_t> shape{out};
  for (const TransposeAxis& axis : axes) shape.push_back(axis.kernel);
  shape.push_back(graph.shape(x).back() / groups);
  const Value weight = random(Shape(shape), 0.3);
  return graph.apply(ConvTranspose{std::move(axes), groups},
                     {x, weight, bias ? random({out}) : Value{}});
}

Value Maker::norm(Value x, const GroupNorm& norm) {
  const std::int64_t channels = graph.shape(x).back();
  return graph.apply(norm, {x, random({channels}, 0.2, 1), random({channels})});
}

}  // namespace metalaudio::nn
