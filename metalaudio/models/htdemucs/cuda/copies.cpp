#include <metalaudio/core/cuda/check.h>
#include <metalaudio/models/htdemucs/cuda/copies.h>

namespace metalaudio::models::cuda {

using metalaudio::cuda::check;
using metalaudio::cuda::CurrentDevice;

PinnedBuffer::PinnedBuffer(std::size_t count, int device) {
  const CurrentDevice current(device);
  check(cudaHostAlloc(&memory_, count * sizeof(float), cudaHostAllocPortable), "pinned memory");
}
PinnedBuffer::~PinnedBuffer() { cudaFreeHost(memory_); }

Stream::Stream(int device, bool urgent) : device_(device) {
  const CurrentDevice current(device);
  int least = 0;
  int greatest = 0;
  check(cudaDeviceGetStreamPriorityRange(&least, &greatest), "the order of streams");
  check(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, urgent ? greatest : least),
        "a stream");
}
Stream::~Stream() {
  const CurrentDevice current(device_);
  cudaStreamDestroy(stream_);
}

Event::Event(int device) : device_(device) {
  const CurrentDevice current(device);
  check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming | cudaEventBlockingSync),
        "an event");
}
Event::~Event() {
  const CurrentDevice current(device_);
  cudaEventDestroy(event_);
}

}  // namespace metalaudio::models::cuda
