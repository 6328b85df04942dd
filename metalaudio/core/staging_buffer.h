#pragma once

#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/tensor_view.h>

#include <cstddef>
#include <memory>
#include <span>

namespace metalaudio {

/// Host memory from which and to which a GPU copies by itself (pinned), so that copies need not
/// wait; plain host memory for a device that has none such. Zero when made; a copy has memory of
/// its own.
/// Errors:   the constructors throw Error{out_of_memory}. upload and download throw
///           Error{invalid_argument} where the tensor lies on another device or has more bytes, and
///           Error{backend_unavailable} when the device was lost.
/// Threads:  as memory; what is under way is left alone until the device's synchronize().
class StagingBuffer {
 public:
  StagingBuffer() = default;
  StagingBuffer(std::size_t bytes, std::shared_ptr<AudioDevice> device);
  StagingBuffer(const StagingBuffer& other);
  StagingBuffer& operator=(const StagingBuffer& other);
  StagingBuffer(StagingBuffer&& other) noexcept = default;
  StagingBuffer& operator=(StagingBuffer&& other) noexcept = default;
  ~StagingBuffer() = default;

  std::size_t bytes() const noexcept { return bytes_; }
  std::byte* data() noexcept { return memory_.get(); }
  const std::byte* data() const noexcept { return memory_.get(); }
  std::span<float> floats() noexcept {
    return {reinterpret_cast<float*>(data()), bytes_ / sizeof(float)};
  }
  std::span<const float> floats() const noexcept {
    return {reinterpret_cast<const float*>(data()), bytes_ / sizeof(float)};
  }

  /// Starts a copy of as many bytes as the tensor has, from the start of this, on the device's
  /// stream.
  void upload(const TensorView& to) const;
  void download(const ConstTensorView& from);

 private:
  struct Free {
    std::shared_ptr<AudioDevice> device;
    void operator()(std::byte* memory) const noexcept;
  };

  Accelerator* check(const ConstTensorView& tensor) const;

  std::unique_ptr<std::byte, Free> memory_;
  std::size_t bytes_ = 0;
};

}  // namespace metalaudio
