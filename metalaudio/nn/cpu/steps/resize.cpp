#include <metalaudio/nn/cpu/steps/index_map.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>
#include <metalaudio/nn/steps/resize_axis.h>

#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

/// Along one axis every result is a sum of the same number of weighted samples, neighbours; those
/// beyond the ends are the one at the end.
template <typename T>
struct Taps {
  Taps(const ResizeAxis& axis, StepMaker& maker) : last(axis.in - 1) {
    const double stretch = axis.resize.antialias ? std::min(1.0, axis.scale) : 1.0;
    const double reach = axis.resize.mode == ResizeMode::linear ? 1 : 2;
    const double first = std::floor(-reach / stretch) + 1;
    const double bytes =
        static_cast<double>(axis.out) * (sizeof(std::int64_t) + (2 - 2 * first) * sizeof(T)) +
        (2 - 2 * first) * sizeof(double);
    maker.will_keep(static_cast<std::size_t>(std::min(bytes, 1e18)));
    count = static_cast<std::size_t>(2 - 2 * first);
    firsts.resize(static_cast<std::size_t>(axis.out));
    weights.resize(firsts.size() * count);
    std::vector<double> found(count);
    for (std::size_t i = 0; i < firsts.size(); ++i) {
      const double at = axis.position(static_cast<std::int64_t>(i));
      const double base = std::floor(at);
      double sum = 0;
      for (std::size_t k = 0; k < count; ++k) {
        const double tap = first + static_cast<double>(k);
        double weight = axis.kernel((tap - (at - base)) * stretch);
        const double index = base + tap;
        if (axis.resize.exclude_outside &&
            (index < 0 || index > static_cast<double>(axis.in - 1))) {
          weight = 0;
        }
        found[k] = weight;
        sum += weight;
      }
      firsts[i] = static_cast<std::int64_t>(
          std::clamp(base + first, -static_cast<double>(count), static_cast<double>(axis.in)));
      for (std::size_t k = 0; k < count; ++k) {
        weights[i * count + k] = static_cast<T>(found[k] / sum);
      }
    }
  }

  std::size_t source(std::size_t i, std::size_t k) const noexcept {
    return static_cast<std::size_t>(
        std::clamp<std::int64_t>(firsts[i] + static_cast<std::int64_t>(k), 0, last));
  }

  std::size_t count = 0;
  std::int64_t last;
  std::vector<std::int64_t> firsts;  ///< [extent], of the taps' places in x
  std::vector<T> weights;            ///< [extent][count]
};

/// Linear and cubic: one axis after the other, in float for float32 and in double for the rest.
template <typename T>
class ResizeStep final : public CpuStep {
 public:
  ResizeStep(const Resize& resize, const Node& node, StepMaker& maker)
      : type_(maker.graph().type(node.results[0])),
        x_(maker.slot(node.inputs[0])),
        y_(maker.slot(node.results[0])),
        extrapolation_(resize.extrapolation) {
    Shape shape = maker.graph().shape(node.inputs[0]);
    in_size_ = static_cast<std::size_t>(shape.size());
    std::size_t most = in_size_;
    for (std::size_t axis = 0; axis < shape.rank() && type_.shape.size() > 0; ++axis) {
      const ResizeAxis along(resize, shape, axis);
      std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
      extents[axis] = along.out;
      find_outside(along, maker);
      bool moves = along.out != along.in;
      for (std::int64_t i = 0; i < along.out && !moves; ++i) {
        moves = along.position(i) != static_cast<double>(i);
      }
      if (!moves) continue;
      passes_.push_back(
          {Around(shape, axis), static_cast<std::size_t>(along.out), Taps<T>(along, maker)});
      shape = Shape(extents);
      most = std::max(most, static_cast<std::size_t>(shape.size()));
    }
    for (Slot& slot : between_) slot = maker.temporary(most * sizeof(T));
  }

  void run(const CpuRun& run) const noexcept override {
    if (type_.shape.size() == 0) return;
    const T* from = convert_in(run);
    std::size_t to = 0;
    for (const Pass& pass : passes_) {
      T* next = run.at<T>(between_[to % 2]);
      if (next == from) next = run.at<T>(between_[++to % 2]);
      weigh(run, pass, from, next);
      from = next;
      ++to;
    }
    convert_out(run, from);
  }

 private:
  struct Pass {
    Around around;
    std::size_t extent = 0;  ///< of the result
    Taps<T> taps;
  };

  void find_outside(const ResizeAxis& along, StepMaker& maker) {
    if (along.resize.coordinates != ResizeCoordinates::tf_crop_and_resize) return;
    const auto extent = static_cast<std::size_t>(along.out);
    maker.will_keep(extent / 8);
    std::vector<bool>& outside = outside_.emplace_back(extent);
    for (std::size_t i = 0; i < extent; ++i) {
      outside[i] = along.is_outside(static_cast<std::int64_t>(i));
      crops_ = crops_ || outside[i];
    }
  }

  const T* convert_in(const CpuRun& run) const noexcept {
    if (type_.type == kDataTypeOf<T>) return run.at<const T>(x_);
    T* to = run.at<T>(between_[1]);
    visit_type(type_.type, [&]<typename X>(std::type_identity<X>) {
      run.workers.parallel_blocks(in_size_, together(1),
                                  [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                    const X* x = run.at<const X>(x_);
                                    for (std::size_t i = first; i < first + n; ++i) {
                                      to[i] = converted<T>(x[i]);
                                    }
                                  });
    });
    return to;
  }

  void weigh(const CpuRun& run, const Pass& pass, const T* x, T* y) const noexcept {
    const std::size_t inner = pass.around.inner;
    const Taps<T>& taps = pass.taps;
    run.workers.parallel_blocks(pass.around.outer * pass.extent, together(inner * taps.count),
                                [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                  for (std::size_t row = first; row < first + n; ++row) {
                                    const T* block =
                                        x + row / pass.extent * pass.around.extent * inner;
                                    T* to = y + row * inner;
                                    std::fill_n(to, inner, T{});
                                    for (std::size_t k = 0; k < taps.count; ++k) {
                                      const std::size_t at = row % pass.extent;
                                      const T weight = taps.weights[at * taps.count + k];
                                      const T* source = block + taps.source(at, k) * inner;
                                      if (weight == 0) continue;
                                      for (std::size_t i = 0; i < inner; ++i)
                                        to[i] += weight * source[i];
                                    }
                                  }
                                });
  }

  void convert_out(const CpuRun& run, const T* from) const noexcept {
    visit_type(type_.type, [&]<typename Y>(std::type_identity<Y>) {
      run.workers.parallel_blocks(static_cast<std::size_t>(type_.shape.size()), together(1),
                                  [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                    Y* y = run.at<Y>(y_);
                                    for (std::size_t i = first; i < first + n; ++i) {
                                      y[i] = crops_ && is_outside(i) ? converted<Y>(extrapolation_)
                                                                     : converted<Y>(from[i]);
                                    }
                                  });
    });
  }

  bool is_outside(std::size_t index) const noexcept {
    for (std::size_t axis = outside_.size(); axis-- > 0;) {
      if (outside_[axis][index % outside_[axis].size()]) return true;
      index /= outside_[axis].size();
    }
    return false;
  }

  ValueType type_;
  Slot x_;
  Slot y_;
  double extrapolation_;
  std::size_t in_size_ = 0;
  bool crops_ = false;
  std::vector<std::vector<bool>> outside_;  ///< by axis
  std::vector<Pass> passes_;
  Slot between_[2];
};

}  // namespace

std::unique_ptr<Step> make_resize(const Resize& resize, const Node& node, StepMaker& maker) {
  const ValueType& type = maker.graph().type(node.inputs[0]);
  if (resize.mode != ResizeMode::nearest) {
    if (type.type == DataType::f32) return std::make_unique<ResizeStep<float>>(resize, node, maker);
    return std::make_unique<ResizeStep<double>>(resize, node, maker);
  }
  std::vector<ResizeAxis> axes;
  for (std::size_t axis = 0; axis < type.shape.rank(); ++axis) {
    axes.emplace_back(resize, type.shape, axis);
  }
  IndexMaps maps = index_maps(resize.shape.extents(), maker, [&](std::size_t axis, std::int64_t i) {
    return axes[axis].is_outside(i) ? -1 : axes[axis].nearest(i);
  });
  return make_index_map(node, std::move(maps), resize.extrapolation, maker);
}

}  // namespace metalaudio::nn::cpu
