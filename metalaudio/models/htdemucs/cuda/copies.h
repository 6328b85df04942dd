#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <span>

namespace metalaudio::models::cuda {

/// Host memory that the GPU reads and writes by itself.
class PinnedBuffer {
 public:
  /// Of any content.
  PinnedBuffer(std::size_t count, int device);
  ~PinnedBuffer();
  PinnedBuffer(const PinnedBuffer&) = delete;
  PinnedBuffer& operator=(const PinnedBuffer&) = delete;
  std::span<float> part(std::size_t first, std::size_t count) {
    return {static_cast<float*>(memory_) + first, count};
  }

 private:
  void* memory_ = nullptr;
};

/// A stream or an event of a device.
class Stream {
 public:
  /// Work of an urgent one goes before what waits in others.
  explicit Stream(int device, bool urgent = false);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const noexcept { return stream_; }

 private:
  int device_;
  cudaStream_t stream_ = nullptr;
};
class Event {
 public:
  explicit Event(int device);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  cudaEvent_t get() const noexcept { return event_; }

 private:
  int device_;
  cudaEvent_t event_ = nullptr;
};

}  // namespace metalaudio::models::cuda
