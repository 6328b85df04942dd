#include <metalaudio/core/error.h>
#include <metalaudio/dsp/batched/engines.h>
#include <metalaudio/dsp/batched/views.h>

namespace metalaudio::dsp {

std::shared_ptr<AudioDevice> choose_device(std::size_t points,
                                           const ToleranceConfiguration& tolerances) {
  std::shared_ptr<AudioDevice> device = open_device(DeviceType::automatic);
  if (device->should_use_gpu(points, tolerances)) return device;
  return open_device(DeviceType::cpu);
}

DeviceType device_type_of(const std::shared_ptr<AudioDevice>& device) noexcept {
  return device == nullptr ? DeviceType::cpu : device->properties().type;
}

void check_place(const char* operation, const ConstTensorView& view,
                 const std::shared_ptr<AudioDevice>& device) {
  if (view.type() != DataType::f32) {
    fail(ErrorCode::invalid_argument, "[{}] a tensor of {}: expected f32", operation,
         to_string(view.type()));
  }
  const bool here = is_cuda(device) ? view.device() == device.get() : view.in_host_memory();
  if (!here) {
    fail(ErrorCode::invalid_argument, "[{}] a tensor that does not lie on {}", operation,
         is_cuda(device) ? device->properties().name : "the CPU");
  }
  if (is_cuda(device) && view.offset() % 8 != 0) {
    fail(ErrorCode::invalid_argument, "[{}] a tensor at byte {}: expected a multiple of 8",
         operation, view.offset());
  }
}

void check_shape(const char* operation, const ConstTensorView& view,
                 std::initializer_list<std::int64_t> expected) {
  const Shape shape(expected);
  if (view.shape() == shape) return;
  fail(ErrorCode::invalid_argument, "[{}] a tensor of shape {}: expected {}", operation,
       view.shape().to_string(), shape.to_string());
}

}  // namespace metalaudio::dsp
