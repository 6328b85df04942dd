#pragma once

#include <metalaudio/core/printable.h>
#include <metalaudio/core/shape.h>
#include <metalaudio/core/tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace metalaudio::nn {

/// What the bytes of a stored tensor are, little-endian.
enum class ElementType { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

std::size_t element_bytes(ElementType type) noexcept;

/// Converts values.size() elements to float32. bytes holds exactly that many elements.
void widen(ElementType type, std::span<const std::byte> bytes, std::span<float> values) noexcept;

/// Rounds to the nearest half, ties to even; what is too large becomes infinite.
std::uint16_t to_half(float value) noexcept;

/// The shape of a stored tensor.
/// Errors:   throws Error{invalid_data} on a negative extent, too many of them, or an overflow.
Shape checked_shape(std::span<const std::int64_t> extents, std::string_view name);

}  // namespace metalaudio::nn
