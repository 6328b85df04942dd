#include <metalaudio/core/accelerator.h>
#include <metalaudio/core/cpu/aligned_memory.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/staging_buffer.h>

#include <cstring>
#include <utility>

namespace metalaudio {

namespace {

Accelerator* accelerator_of(const std::shared_ptr<AudioDevice>& device) noexcept {
  return device ? device->accelerator() : nullptr;
}

}  // namespace

StagingBuffer::StagingBuffer(std::size_t bytes, std::shared_ptr<AudioDevice> device)
    : memory_(nullptr, Free{std::move(device)}), bytes_(bytes) {
  if (bytes == 0) return;
  Accelerator* const accelerator = accelerator_of(memory_.get_deleter().device);
  memory_.reset(static_cast<std::byte*>(
      accelerator != nullptr ? accelerator->allocate_staging(bytes) : allocate_aligned(bytes)));
  std::memset(data(), 0, bytes);
}

StagingBuffer::StagingBuffer(const StagingBuffer& other)
    : StagingBuffer(other.bytes_, other.memory_.get_deleter().device) {
  if (bytes_ > 0) std::memcpy(data(), other.data(), bytes_);
}

StagingBuffer& StagingBuffer::operator=(const StagingBuffer& other) {
  if (this != &other) *this = StagingBuffer(other);
  return *this;
}

void StagingBuffer::Free::operator()(std::byte* memory) const noexcept {
  if (Accelerator* const accelerator = accelerator_of(device)) {
    accelerator->deallocate_staging(memory);
  } else {
    free_aligned(memory);
  }
}

/// Null where the copy is the device's own, which waits.
Accelerator* StagingBuffer::check(const ConstTensorView& tensor) const {
  if (tensor.bytes() > bytes_) {
    fail(ErrorCode::invalid_argument, "[StagingBuffer] {} bytes of a tensor in {}", tensor.bytes(),
         bytes_);
  }
  const std::shared_ptr<AudioDevice>& device = memory_.get_deleter().device;
  if (tensor.bytes() > 0 && tensor.device() != device.get()) {
    fail(ErrorCode::invalid_argument, "[StagingBuffer] a tensor on another device");
  }
  return accelerator_of(device);
}

void StagingBuffer::upload(const TensorView& to) const {
  Accelerator* const accelerator = check(to);
  if (to.bytes() == 0) return;
  if (accelerator != nullptr) {
    accelerator->upload_async(to.handle(), to.offset(), data(), to.bytes());
  } else {
    copy({to.type(), to.shape(), data()}, to);
  }
}

void StagingBuffer::download(const ConstTensorView& from) {
  Accelerator* const accelerator = check(from);
  if (from.bytes() == 0) return;
  if (accelerator != nullptr) {
    accelerator->download_async(data(), from.handle(), from.offset(), from.bytes());
  } else {
    copy(from, {from.type(), from.shape(), data()});
  }
}

}  // namespace metalaudio
