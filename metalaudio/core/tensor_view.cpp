#include <metalaudio/core/buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/tensor_view.h>

#include <cstring>

namespace metalaudio {

void copy(const ConstTensorView& from, const TensorView& to) {
  if (from.type() != to.type() || from.shape() != to.shape()) {
    fail(ErrorCode::invalid_argument, "[Tensor] {} of shape {} copied to {} of shape {}",
         to_string(from.type()), from.shape().to_string(), to_string(to.type()),
         to.shape().to_string());
  }
  const std::size_t bytes = from.bytes();
  if (bytes == 0) return;
  AudioDevice* const source = from.device();
  AudioDevice* const target = to.device();
  if (source == nullptr && target == nullptr) {
    std::memmove(to.address(), from.address(), bytes);
  } else if (source == nullptr) {
    target->upload(to.handle(), to.offset(), from.address(), bytes);
  } else if (target == nullptr) {
    source->download(to.address(), from.handle(), from.offset(), bytes);
  } else if (source == target) {
    source->copy(to.handle(), to.offset(), from.handle(), from.offset(), bytes);
  } else {  // two devices know nothing of each other's handles
    Buffer between(bytes);
    source->download(between.data(), from.handle(), from.offset(), bytes);
    target->upload(to.handle(), to.offset(), between.data(), bytes);
  }
}

}  // namespace metalaudio
