#pragma once

#include <metalaudio/core/audio_device.h>

#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>

namespace metalaudio {

/// Bytes that it owns, 64-byte aligned; zero when made, unless told otherwise. They lie in host
/// memory, or on the device that it is given. Everything in the library that holds memory for kernels stands on it.
/// Errors:   the constructors throw Error{out_of_memory}.
/// Threads:  concurrent reads are safe, writes are not.
class Buffer {
 public:
  /// What it holds at first: for whoever writes all of it, zeros are time lost.
  enum class Content { zeros, anything };

  Buffer() = default;
  /// In host memory, in whole lines of 64 bytes.
  explicit Buffer(std::size_t bytes, Content content = Content::zeros);
  /// In host memory where `device` is null.
  Buffer(std::size_t bytes, std::shared_ptr<AudioDevice> device);
  Buffer(Buffer&& other) noexcept
      : memory_(std::move(other.memory_)), bytes_(std::exchange(other.bytes_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    memory_ = std::move(other.memory_);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }
  ~Buffer() = default;

  /// The device's name for it, in host memory its address; null where it has no bytes.
  void* handle() noexcept { return memory_.get(); }
  const void* handle() const noexcept { return memory_.get(); }
  std::size_t bytes() const noexcept { return bytes_; }
  /// The device that holds it; null for one made in host memory.
  const std::shared_ptr<AudioDevice>& device() const noexcept {
    return memory_.get_deleter().device;
  }
  /// Whether the CPU can read and write data().
  bool in_host_memory() const noexcept {
    return device() == nullptr || device()->properties().host_memory;
  }

  /// Only for a buffer in host memory.
  std::byte* data() noexcept {
    assert(in_host_memory());
    return static_cast<std::byte*>(handle());
  }
  const std::byte* data() const noexcept {
    assert(in_host_memory());
    return static_cast<const std::byte*>(handle());
  }

 private:
  struct Free {
    std::shared_ptr<AudioDevice> device;
    void operator()(void* handle) const noexcept;
  };

  std::unique_ptr<void, Free> memory_;
  std::size_t bytes_ = 0;
};

}  // namespace metalaudio
