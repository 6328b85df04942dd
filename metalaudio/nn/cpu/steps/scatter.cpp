#include <metalaudio/nn/cpu/steps/indices.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>
#include <metalaudio/nn/steps/strides.h>

#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

template <typename T>
T combined(ScatterReduction reduction, T old, T update) noexcept {
  if (reduction == ScatterReduction::none) return update;
  const Wide<T> a = widen(old);
  const Wide<T> b = widen(update);
  switch (reduction) {
    case ScatterReduction::add:
      if constexpr (std::is_integral_v<T>)
        return wrapping_sum(a, b);
      else
        return converted<T>(a + b);
    case ScatterReduction::multiply:
      if constexpr (std::is_integral_v<T>)
        return wrapping_product(a, b);
      else
        return converted<T>(a * b);
    case ScatterReduction::minimum:
      return b < a || is_nan(b) ? update : old;
    case ScatterReduction::maximum:
      return b > a || is_nan(b) ? update : old;
    case ScatterReduction::none:
      break;
  }
  return update;
}

/// Neighbours in the updates that fall on neighbours in y.
struct Stretch {
  std::size_t to = 0;
  std::size_t from = 0;
  std::size_t size = 0;
};

/// Copies x, then meets the updates one after the other: a later one may fall on an earlier one.
/// Where says where: visit(indices, body) calls body(index into y, index into the updates, how
/// many). Indices that are constant are followed once, while the step is made.
template <typename Where>
class ScatterStep final : public CpuStep {
 public:
  ScatterStep(const Node& node, ScatterReduction reduction, Where where, StepMaker& maker)
      : reduction_(reduction),
        where_(std::move(where)),
        x_(maker.slot(node.inputs[0])),
        updates_(maker.slot(node.inputs[2])),
        y_(maker.slot(node.results[0])),
        type_(maker.graph().type(node.inputs[0])) {
    if (!where_.indices().is_constant()) return;
    std::size_t count = 0;
    follow([&](const Stretch&) { ++count; });
    maker.will_keep(count * sizeof(Stretch));
    stretches_.reserve(count);
    follow([&](const Stretch& stretch) { stretches_.push_back(stretch); });
  }

  void run(const CpuRun& run) const noexcept override {
    constexpr std::size_t kBlockBytes = 65536;
    run.workers.parallel_blocks(
        type_.bytes(), kBlockBytes, [&](std::size_t first, std::size_t n, ThreadScratch&) {
          std::memcpy(run.at<std::byte>(y_) + first, run.at<const std::byte>(x_) + first, n);
        });
    visit_type(type_.type, [&]<typename T>(std::type_identity<T>) {
      T* y = run.at<T>(y_);
      const T* updates = run.at<const T>(updates_);
      if (where_.indices().is_constant()) {
        for (const Stretch& s : stretches_) put(y + s.to, updates + s.from, s.size);
        return;
      }
      where_.visit(
          where_.indices().reader(run),
          [&](std::size_t to, std::size_t from, std::size_t n) { put(y + to, updates + from, n); });
    });
  }

 private:
  /// take(stretch) for all that constant indices make.
  template <typename Take>
  void follow(Take&& take) const {
    Stretch last;
    where_.visit(where_.indices().reader(), [&](std::size_t to, std::size_t from, std::size_t n) {
      if (last.size > 0 && last.to + last.size == to && last.from + last.size == from) {
        last.size += n;
        return;
      }
      if (last.size > 0) take(last);
      last = {to, from, n};
    });
    if (last.size > 0) take(last);
  }

  template <typename T>
  void put(T* y, const T* updates, std::size_t n) const noexcept {
    if (reduction_ == ScatterReduction::none && n > 1) {
      std::memcpy(y, updates, n * sizeof(T));
      return;
    }
    for (std::size_t i = 0; i < n; ++i) y[i] = combined(reduction_, y[i], updates[i]);
  }

  ScatterReduction reduction_;
  Where where_;
  Slot x_;
  Slot updates_;
  Slot y_;
  ValueType type_;
  std::vector<Stretch> stretches_;
};

/// One element at the index along the axis, and where the update stands along the others.
class AlongAxis {
 public:
  AlongAxis(const ScatterElements& scatter, const Node& node, const StepMaker& maker)
      : indices_(node.inputs[ScatterElements::indices], maker) {
    const Shape& in = maker.graph().shape(node.inputs[ScatterElements::x]);
    const Shape& at = maker.graph().shape(node.inputs[ScatterElements::indices]);
    const std::size_t axis = axis_of(scatter.axis, in.rank());
    Strides strides = dense_strides(in);
    extent_ = in[axis];
    stride_ = strides[axis];
    strides[axis] = 0;
    nest_ = {at, {dense_strides(at), strides}};
  }

  const IndexSlot& indices() const noexcept { return indices_; }

  template <typename Body>
  void visit(const IndexReader& indices, Body&& body) const {
    nest_.for_runs(0, nest_.runs(), [&](const std::array<std::int64_t, 2>& at) {
      for (std::size_t i = 0; i < nest_.run_size(); ++i) {
        const auto step = static_cast<std::int64_t>(i);
        const auto from = static_cast<std::size_t>(at[0] + step);
        const std::int64_t index = indices.at(from, extent_);
        body(static_cast<std::size_t>(at[1] + step * nest_.run_stride(1) + index * stride_), from,
             std::size_t{1});
      }
    });
  }

 private:
  IndexSlot indices_;
  std::int64_t extent_ = 0;
  std::int64_t stride_ = 0;
  LoopNest<2> nest_;
};

/// A slice at each tuple of indices along the first axes.
class ByTuples {
 public:
  ByTuples(const Node& node, const StepMaker& maker)
      : indices_(node.inputs[ScatterNd::indices], maker) {
    const Shape& in = maker.graph().shape(node.inputs[ScatterNd::x]);
    const Shape& at = maker.graph().shape(node.inputs[ScatterNd::indices]);
    strides_ = dense_strides(in);
    depth_ = static_cast<std::size_t>(at.back());
    for (std::size_t i = 0; i < depth_; ++i) extents_[i] = in[i];
    slice_ = static_cast<std::size_t>(Shape(in.extents().subspan(depth_)).size());
    tuples_ = static_cast<std::size_t>(Shape(at.extents().first(at.rank() - 1)).size());
  }

  const IndexSlot& indices() const noexcept { return indices_; }

  template <typename Body>
  void visit(const IndexReader& indices, Body&& body) const {
    if (slice_ == 0) return;
    for (std::size_t i = 0; i < tuples_; ++i) {
      std::int64_t offset = 0;
      for (std::size_t d = 0; d < depth_; ++d) {
        offset += indices.at(i * depth_ + d, extents_[d]) * strides_[d];
      }
      body(static_cast<std::size_t>(offset), i * slice_, slice_);
    }
  }

 private:
  IndexSlot indices_;
  Strides extents_{};
  Strides strides_{};
  std::size_t depth_ = 0;
  std::size_t slice_ = 1;
  std::size_t tuples_ = 1;
};

}  // namespace

std::unique_ptr<Step> make_scatter_elements(const ScatterElements& scatter, const Node& node,
                                            StepMaker& maker) {
  return std::make_unique<ScatterStep<AlongAxis>>(node, scatter.reduction,
                                                  AlongAxis(scatter, node, maker), maker);
}
std::unique_ptr<Step> make_scatter_nd(const ScatterNd& scatter, const Node& node,
                                      StepMaker& maker) {
  return std::make_unique<ScatterStep<ByTuples>>(node, scatter.reduction, ByTuples(node, maker),
                                                 maker);
}

}  // namespace metalaudio::nn::cpu
