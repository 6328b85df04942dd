#include <metalaudio/nn/cuda/kernels/resample.h>
#include <metalaudio/nn/cuda/steps/steps.h>
#include <metalaudio/nn/cuda/steps/walk.h>
#include <metalaudio/nn/steps/resize_axis.h>

#include <utility>

namespace metalaudio::nn::cuda {

namespace {

static_assert(static_cast<int>(Pooling::average) == static_cast<int>(PoolFunction::average) &&
              static_cast<int>(Pooling::lp) == static_cast<int>(PoolFunction::lp));

PoolShape shape_of(const Pool& pool, const Shape& in, const Shape& out) {
  PoolShape shape;
  shape.function = static_cast<Pooling>(pool.function);
  shape.count_padding = pool.count_padding;
  shape.p = static_cast<double>(pool.p);
  shape.axes = static_cast<int>(pool.axes.size());
  shape.channels = in.back();
  const std::size_t first = in.rank() - 1 - pool.axes.size();
  for (std::size_t i = 0; i < first; ++i) shape.batch *= in[i];
  for (std::size_t i = 0; i < pool.axes.size(); ++i) {
    shape.sliding[i] = pool.axes[i];
    shape.in[i] = in[first + i];
    shape.out[i] = out[first + i];
    shape.taps *= pool.axes[i].kernel;
  }
  return shape;
}

class PoolStep final : public CudaStep {
 public:
  PoolStep(const Pool& pool, const Making& making)
      : type_(making.type(0).type),
        shape_(shape_of(pool, making.type(0).shape, making.result_type().shape)),
        x_(making.input(0)),
        y_(making.result(0)) {
    if (pool.indices) indices_ = making.result(1);
  }
  void run(const CudaRun& run) const noexcept override {
    launch_pool(type_, run.at(x_), run.at(y_), run.at<std::int64_t>(indices_), shape_, run.stream);
  }

 private:
  DataType type_;
  PoolShape shape_;
  Slot x_;
  Slot y_;
  Slot indices_;
};

/// What each index of the result takes along one axis.
std::vector<Blend> blends_of(const ResizeAxis& axis) {
  std::vector<Blend> blends;
  for (std::int64_t i = 0; i < axis.out; ++i) {
    if (axis.resize.mode == ResizeMode::nearest) {
      blends.push_back({axis.nearest(i), 0, 1});
      continue;
    }
    const double at = axis.position(i);
    const double base = std::floor(at);
    const auto weight = [&](double tap) {
      const bool outside = tap < 0 || tap > static_cast<double>(axis.in - 1);
      return axis.resize.exclude_outside && outside ? 0.0 : axis.kernel(tap - at);
    };
    const double first = weight(base);
    const double second = weight(base + 1);
    blends.push_back({axis.clamped(base), axis.clamped(base + 1), first / (first + second)});
  }
  return blends;
}

class ResizeStep final : public CudaStep {
 public:
  ResizeStep(const Resize& resize, const Making& making)
      : type_(making.type(0).type), x_(making.input(0)), y_(making.result()) {
    const Shape& in = making.type(0).shape;
    const Steps steps = dense_steps(in);
    shape_.axes = static_cast<int>(std::max<std::size_t>(1, in.rank()));
    shape_.size = resize.shape.size();
    std::vector<Blend> all;
    std::size_t count = 0;
    for (const std::int64_t extent : resize.shape.extents()) {
      count += static_cast<std::size_t>(extent);
    }
    making.maker.will_keep(count * sizeof(Blend));
    for (std::size_t axis = 0; axis < in.rank() && shape_.size > 0; ++axis) {
      const std::vector<Blend> blends = blends_of(ResizeAxis(resize, in, axis));
      shape_.extents[axis] = resize.shape[axis];
      shape_.steps[axis] = steps[axis];
      shape_.blends[axis] = static_cast<std::int64_t>(all.size());
      for (const Blend& blend : blends) {
        shape_.blended[axis] = shape_.blended[axis] || blend.weight != 1;
      }
      all.insert(all.end(), blends.begin(), blends.end());
    }
    if (all.empty()) all.emplace_back();
    blends_ = DeviceArray(all, making.device);
  }
  void run(const CudaRun& run) const noexcept override {
    launch_resize(type_, run.at(x_), run.at(y_), blends_.as<Blend>(), shape_, run.stream);
  }

 private:
  DataType type_;
  ResizeShape shape_;
  DeviceArray blends_;
  Slot x_;
  Slot y_;
};

}  // namespace

std::string refusal_of(const Pool&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Pool& pool, const Making& making) {
  return std::make_unique<PoolStep>(pool, making);
}

std::string refusal_of(const Resize& resize, const Graph& graph, const Node& node) {
  if (resize.mode == ResizeMode::cubic || resize.antialias ||
      resize.coordinates == ResizeCoordinates::tf_crop_and_resize) {
    return "there is no kernel for cubic, antialiased or cropped ones";
  }
  const bool blends = resize.mode == ResizeMode::linear;
  if (blends && !is_floating(graph.type(node.inputs[0]).type)) {
    return "there is no kernel for it of integers";
  }
  return {};
}
std::unique_ptr<Step> make_step(const Resize& resize, const Making& making) {
  return std::make_unique<ResizeStep>(resize, making);
}

}  // namespace metalaudio::nn::cuda
