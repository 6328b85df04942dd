#include <metalaudio/core/buffer.h>
#include <metalaudio/core/cpu/aligned_memory.h>

#include <cstring>

namespace metalaudio {

Buffer::Buffer(std::size_t bytes, Content content) : memory_(nullptr, Free{}), bytes_(bytes) {
  if (bytes == 0) return;
  memory_.reset(allocate_aligned(bytes));
  if (content == Content::zeros) std::memset(handle(), 0, bytes);
}

Buffer::Buffer(std::size_t bytes, std::shared_ptr<AudioDevice> device)
    : memory_(nullptr, Free{std::move(device)}), bytes_(bytes) {
  AudioDevice* const on = memory_.get_deleter().device.get();
  if (on == nullptr) {
    *this = Buffer(bytes);
  } else if (bytes > 0) {
    memory_.reset(on->allocate(bytes));
    on->clear(handle(), 0, bytes);
  }
}

void Buffer::Free::operator()(void* handle) const noexcept {
  if (device) {
    device->deallocate(handle);
  } else {
    free_aligned(handle);
  }
}

}  // namespace metalaudio
