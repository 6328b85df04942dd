#include <metalaudio/nn/cpu/steps/index_map.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>
#include <metalaudio/nn/steps/resize_axis.h>

#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

/// Along one axis every result is a sum of the same number of weighted samples.
template <typename T>
struct Taps {
  explicit Taps(const ResizeAxis& axis) {
    const double stretch = axis.resize.antialias ? std::min(1.0, axis.scale) : 1.0;
    const double reach = axis.resize.mode == ResizeMode::linear ? 1 : 2;
    const auto first = static_cast<std::int64_t>(std::floor(-reach / stretch)) + 1;
    count = static_cast<std::size_t>(2 - 2 * first);
    for (std::int64_t i = 0; i < axis.out; ++i) {
      const double at = axis.position(i);
      const double base = std::floor(at);
      std::vector<double> found;
      double sum = 0;
      for (std::size_t k = 0; k < count; ++k) {
        const double tap = static_cast<double>(first) + static_cast<double>(k);
        double weight = axis.kernel((tap - (at - base)) * stretch);
        const double index = base + tap;
        if (axis.resize.exclude_outside &&
            (index < 0 || index > static_cast<double>(axis.in - 1))) {
          weight = 0;
        }
        found.push_back(weight);
        sum += weight;
        sources.push_back(static_cast<std::size_t>(axis.clamped(index)));
      }
      for (const double weight : found) weights.push_back(static_cast<T>(weight / sum));
    }
  }

  std::size_t count = 0;
  std::vector<std::size_t> sources;  ///< [extent][count]
  std::vector<T> weights;
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
      bool moves = along.out != along.in;
      bool any_outside = false;
      outside_.emplace_back();
      for (std::int64_t i = 0; i < along.out; ++i) {
        moves = moves || along.position(i) != static_cast<double>(i);
        outside_.back().push_back(along.is_outside(i));
        any_outside = any_outside || outside_.back().back();
      }
      crops_ = crops_ || any_outside;
      if (!moves) continue;
      passes_.push_back({Around(shape, axis), static_cast<std::size_t>(along.out), Taps<T>(along)});
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
                                      const std::size_t tap = row % pass.extent * taps.count + k;
                                      const T weight = taps.weights[tap];
                                      const T* source = block + taps.sources[tap] * inner;
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
  IndexMaps maps(type.shape.rank());
  for (std::size_t axis = 0; axis < type.shape.rank(); ++axis) {
    const ResizeAxis along(resize, type.shape, axis);
    for (std::int64_t i = 0; i < along.out; ++i) {
      maps[axis].push_back(along.is_outside(i) ? -1 : along.nearest(i));
    }
  }
  return make_index_map(node, std::move(maps), resize.extrapolation, maker);
}

}  // namespace metalaudio::nn::cpu
