#include <metalaudio/nn/cuda/kernels/quantize.h>
#include <metalaudio/nn/cuda/kernels/convert.cuh>
#include <metalaudio/nn/cuda/kernels/walk.cuh>

namespace metalaudio::nn::cuda {

namespace {

__device__ std::int64_t scale_of(const ScaleShape& shape, std::int64_t i) {
  if (shape.block == 0) return 0;
  const std::int64_t along = i / shape.inner % shape.extent;
  if (shape.by_axis) return along;
  return (i / (shape.inner * shape.extent) * shape.blocks + along / shape.block) * shape.inner +
         i % shape.inner;
}

/// float32 is divided in float32, as ONNX does: a tie there is a tie here.
template <typename F>
__global__ void quantize_kernel(QuantizeTypes types, const void* x, const void* scale,
                                const void* zero, void* y,
                                __grid_constant__ const ScaleShape shape) {
  for (auto i = first_item(); i < shape.size; i += item_step()) {
    const std::int64_t s = scale_of(shape, i);
    const F scaled = number_at<F>(types.x, x, i) / number_at<F>(types.scale, scale, s);
    double shifted = static_cast<double>(rint(scaled));
    if (zero != nullptr) shifted += number_at<double>(types.y, zero, s);
    put_number(types.y, y, i, shifted);
  }
}

template <typename F>
__global__ void dequantize_kernel(QuantizeTypes types, const void* x, const void* scale,
                                  const void* zero, void* y,
                                  __grid_constant__ const ScaleShape shape) {
  for (auto i = first_item(); i < shape.size; i += item_step()) {
    const std::int64_t s = scale_of(shape, i);
    auto number = number_at<std::int64_t>(types.x, x, i);
    if (zero != nullptr) number -= number_at<std::int64_t>(types.x, zero, s);
    put_number(types.y, y, i, static_cast<F>(number) * number_at<F>(types.scale, scale, s));
  }
}

}  // namespace

void launch_quantize(const QuantizeTypes& types, const void* x, const void* scale, const void* zero,
                     void* y, const ScaleShape& shape, cudaStream_t stream) {
  if (shape.size == 0) return;
  const auto is_single = [](DataType type) {
    return type == DataType::f32 || type == DataType::f16 || type == DataType::bf16;
  };
  auto* const kernel = is_single(types.x) && is_single(types.scale) ? quantize_kernel<float>
                                                                    : quantize_kernel<double>;
  kernel<<<grid_of(shape.size), kThreads, 0, stream>>>(types, x, scale, zero, y, shape);
}

void launch_dequantize(const QuantizeTypes& types, const void* x, const void* scale,
                       const void* zero, void* y, const ScaleShape& shape, cudaStream_t stream) {
  if (shape.size == 0) return;
  auto* const kernel =
      types.y == DataType::f64 ? dequantize_kernel<double> : dequantize_kernel<float>;
  kernel<<<grid_of(shape.size), kThreads, 0, stream>>>(types, x, scale, zero, y, shape);
}

}  // namespace metalaudio::nn::cuda
