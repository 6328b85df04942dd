#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/core/printable.h>
#include <metalaudio/core/shape.h>
#include <metalaudio/core/tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace metalaudio::nn {

/// Converts values.size() stored elements, little-endian, to float32. bytes holds exactly that many
/// elements.
void widen(DataType type, std::span<const std::byte> bytes, std::span<float> values) noexcept;

/// Writes the elements of a stored tensor into one of this or of float32 type, from an element on.
/// A stored bool that is neither 0 nor 1 becomes 1.
void read_elements(DataType type, std::span<const std::byte> bytes, Tensor& tensor,
                   std::size_t first) noexcept;

/// The shape of a stored tensor.
/// Errors:   throws Error{invalid_data} on a negative extent, too many of them, or an overflow.
Shape checked_shape(std::span<const std::int64_t> extents, std::string_view name);

}  // namespace metalaudio::nn
