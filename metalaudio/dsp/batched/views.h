#pragma once

#include <metalaudio/core/error.h>
#include <metalaudio/core/tensor_view.h>

#include <cstdint>
#include <initializer_list>
#include <memory>

namespace metalaudio::dsp {

/// Throws Error{invalid_argument}, in the name of `operation`, unless a view holds float32 and lies
/// where a processor works: in host memory for a device that is null or the CPU, and
/// at a multiple of 8 bytes on a GPU.
void check_place(const char* operation, const ConstTensorView& view,
                 const std::shared_ptr<AudioDevice>& device);
/// The same for its shape.
void check_shape(const char* operation, const ConstTensorView& view,
                 std::initializer_list<std::int64_t> expected);

/// The first element's address in the device's memory.
inline const float* address_of(const ConstTensorView& view) noexcept {
  return reinterpret_cast<const float*>(static_cast<const std::byte*>(view.handle()) +
                                        view.offset());
}
inline float* address_of(const TensorView& view) noexcept {
  return reinterpret_cast<float*>(static_cast<std::byte*>(view.handle()) + view.offset());
}

}  // namespace metalaudio::dsp
