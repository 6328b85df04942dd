#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/tensor_data.h>

#include <bit>
#include <cmath>
#include <cstring>

namespace metalaudio::nn {

namespace {

static_assert(std::endian::native == std::endian::little, "stored tensors are read in place");

template <typename Stored, typename Convert>
void convert(std::span<const std::byte> bytes, std::span<float> values, Convert&& to_float) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = to_float(stored);
  }
}

float from_half(std::uint16_t half) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: a multiple of 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
  }
  const std::uint32_t widened = exponent == 31 ? 255U : exponent + 127 - 15;
  return std::bit_cast<float>(sign | widened << 23U | mantissa << 13U);
}

template <typename Integer>
float from_number(Integer value) noexcept {
  return static_cast<float>(value);
}

}  // namespace

std::size_t element_bytes(ElementType type) noexcept {
  switch (type) {
    case ElementType::f64:
    case ElementType::i64:
      return 8;
    case ElementType::f32:
    case ElementType::i32:
      return 4;
    case ElementType::f16:
    case ElementType::bf16:
    case ElementType::i16:
      return 2;
    case ElementType::i8:
    case ElementType::u8:
    case ElementType::boolean:
      break;
  }
  return 1;
}

void widen(ElementType type, std::span<const std::byte> bytes, std::span<float> values) noexcept {
  switch (type) {
    case ElementType::f64:
      return convert<double>(bytes, values, from_number<double>);
    case ElementType::f32:
      return convert<float>(bytes, values, from_number<float>);
    case ElementType::f16:
      return convert<std::uint16_t>(bytes, values, from_half);
    case ElementType::bf16:
      return convert<std::uint16_t>(bytes, values, [](std::uint16_t upper) {
        return std::bit_cast<float>(static_cast<std::uint32_t>(upper) << 16U);
      });
    case ElementType::i64:
      return convert<std::int64_t>(bytes, values, from_number<std::int64_t>);
    case ElementType::i32:
      return convert<std::int32_t>(bytes, values, from_number<std::int32_t>);
    case ElementType::i16:
      return convert<std::int16_t>(bytes, values, from_number<std::int16_t>);
    case ElementType::i8:
      return convert<std::int8_t>(bytes, values, from_number<std::int8_t>);
    case ElementType::u8:
      return convert<std::uint8_t>(bytes, values, from_number<std::uint8_t>);
    case ElementType::boolean:
      return convert<std::uint8_t>(bytes, values,
                                   [](std::uint8_t flag) { return flag != 0 ? 1.0F : 0.0F; });
  }
}

std::uint16_t to_half(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16U & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U);   // NaN
  if (magnitude >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U);  // >= 65520
  if (magnitude < 0x38800000U) {  // below 2^-14: a multiple of 2^-24
    const float steps = std::nearbyint(std::bit_cast<float>(magnitude) * 0x1p24F);
    return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(steps));
  }
  const std::uint32_t rounded = magnitude + 0xFFFU + (magnitude >> 13U & 1U);
  return static_cast<std::uint16_t>(sign | (rounded - (112U << 23U)) >> 13U);
}

Shape checked_shape(std::span<const std::int64_t> extents, std::string_view name) {
  try {
    return Shape(extents);
  } catch (const Error& error) {
    fail(ErrorCode::invalid_data, "tensor '{}' has an absurd shape: {}", printable(name),
         error.what());
  }
}

}  // namespace metalaudio::nn
