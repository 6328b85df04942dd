#include <metalaudio/nn/cuda/kernels/resample.h>
#include <metalaudio/nn/cuda/kernels/walk.cuh>
#include <metalaudio/nn/cuda/kernels/wide.cuh>

namespace metalaudio::nn::cuda {

namespace {

template <typename T>
__global__ void pool_kernel(const T* x, T* y, std::int64_t* indices,
                            __grid_constant__ const PoolShape shape, std::int64_t size) {
  for (auto i = first_item(); i < size; i += item_step()) {
    const std::int64_t channel = i % shape.channels;
    std::int64_t start[kMostAxes];
    std::int64_t rest = i / shape.channels;
    for (int axis = shape.axes - 1; axis >= 0; --axis) {
      const SlidingAxis& sliding = shape.sliding[axis];
      start[axis] = rest % shape.out[axis] * sliding.stride - sliding.before;
      rest /= shape.out[axis];
    }
    double sum = 0;
    Wide<T> best = lowest<T>();
    std::int64_t best_position = 0;
    std::int64_t inside = 0;
    std::int64_t counted = 0;
    for (std::int64_t tap = 0; tap < shape.taps; ++tap) {
      std::int64_t left = tap;
      std::int64_t position = 0;
      std::int64_t step = 1;
      bool is_inside = true;
      bool counts = true;
      for (int axis = shape.axes - 1; axis >= 0; --axis) {
        const SlidingAxis& sliding = shape.sliding[axis];
        const std::int64_t at = start[axis] + left % sliding.kernel * sliding.dilation;
        left /= sliding.kernel;
        is_inside = is_inside && at >= 0 && at < shape.in[axis];
        counts = counts && at < shape.in[axis] + sliding.after;
        position += at * step;
        step *= shape.in[axis];
      }
      counted += counts ? 1 : 0;
      if (!is_inside) continue;
      // The loop over the axes has made `step` the number of positions.
      const Wide<T> value = widen(x[(rest * step + position) * shape.channels + channel]);
      if (inside++ == 0 || value > best) {
        best = value;
        best_position = position;
      }
      if (shape.function == Pooling::lp) {
        const double magnitude = fabs(static_cast<double>(value));
        sum += shape.p == 2 ? magnitude * magnitude : pow(magnitude, shape.p);
      } else {
        sum += static_cast<double>(value);
      }
    }
    if (shape.function == Pooling::maximum) {
      y[i] = converted<T>(best);
    } else if (shape.function == Pooling::average) {
      const std::int64_t count = shape.count_padding ? counted : inside;
      y[i] = converted<T>(count > 0 ? sum / static_cast<double>(count) : 0.0);
    } else {
      y[i] = converted<T>(shape.p == 2 ? sqrt(sum) : pow(sum, 1 / shape.p));
    }
    if (indices != nullptr) indices[i] = best_position;
  }
}

template <typename T>
__global__ void resize_kernel(const T* x, T* y, const Blend* blends,
                              __grid_constant__ const ResizeShape shape) {
  for (auto i = first_item(); i < shape.size; i += item_step()) {
    Blend along[kMostAxes];
    std::int64_t rest = i;
    std::int64_t origin = 0;
    int count = 0;
    for (int axis = shape.axes - 1; axis >= 0; --axis) {
      const Blend blend = blends[shape.blends[axis] + rest % shape.extents[axis]];
      rest /= shape.extents[axis];
      if (shape.blended[axis]) {
        along[count++] = {blend.first * shape.steps[axis], blend.second * shape.steps[axis],
                          blend.weight};
      } else {
        origin += blend.first * shape.steps[axis];
      }
    }
    if (count == 0) {
      y[i] = x[origin];
      continue;
    }
    double sum = 0;
    for (int corner = 0; corner < 1 << count; ++corner) {
      double weight = 1;
      std::int64_t at = origin;
      for (int axis = 0; axis < count; ++axis) {
        const bool second = (corner >> axis & 1) != 0;
        weight *= second ? 1 - along[axis].weight : along[axis].weight;
        at += second ? along[axis].second : along[axis].first;
      }
      if (weight != 0) sum += weight * converted<double>(x[at]);
    }
    y[i] = converted<T>(sum);
  }
}

}  // namespace

void launch_pool(DataType type, const void* x, void* y, std::int64_t* indices,
                 const PoolShape& shape, cudaStream_t stream) {
  const std::int64_t size = shape.size();
  if (size == 0) return;
  visit_any(type, [&]<typename T>(T) {
    pool_kernel<T><<<grid_of(size), kThreads, 0, stream>>>(
        static_cast<const T*>(x), static_cast<T*>(y), indices, shape, size);
  });
}

void launch_resize(DataType type, const void* x, void* y, const Blend* blends,
                   const ResizeShape& shape, cudaStream_t stream) {
  if (shape.size == 0) return;
  visit_any(type, [&]<typename T>(T) {
    resize_kernel<T><<<grid_of(shape.size), kThreads, 0, stream>>>(
        static_cast<const T*>(x), static_cast<T*>(y), blends, shape);
  });
}

}  // namespace metalaudio::nn::cuda
