#include <metalaudio/nn/cpu/steps/index_map.h>
#include <metalaudio/nn/cpu/steps/indices.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>
#include <metalaudio/nn/steps/strides.h>

#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

class GatherStep final : public CpuStep {
 public:
  GatherStep(const Gather& gather, const Node& node, StepMaker& maker)
      : indices_(node.inputs[Gather::indices], maker),
        x_(maker.slot(node.inputs[Gather::x])),
        y_(maker.slot(node.results[0])) {
    const ValueType& type = maker.graph().type(node.inputs[Gather::x]);
    around_ = {type.shape, axis_of(gather.axis, type.shape.rank())};
    bytes_ = around_.inner * size_of(type.type);
    count_ = static_cast<std::size_t>(maker.graph().shape(node.inputs[Gather::indices]).size());
  }

  void run(const CpuRun& run) const noexcept override {
    const IndexReader indices = indices_.reader(run);
    run.workers.parallel_blocks(bytes_ == 0 ? 0 : around_.outer * count_, together(bytes_),
                                [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                  for (std::size_t i = first; i < first + n; ++i) {
                                    const auto index = static_cast<std::size_t>(indices.at(
                                        i % count_, static_cast<std::int64_t>(around_.extent)));
                                    std::memcpy(run.at<std::byte>(y_) + i * bytes_,
                                                run.at<const std::byte>(x_) +
                                                    (i / count_ * around_.extent + index) * bytes_,
                                                bytes_);
                                  }
                                });
  }

 private:
  IndexSlot indices_;
  Slot x_;
  Slot y_;
  Around around_;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
};

/// Walks through the indices; x is read at the same place but along the axis.
class GatherElementsStep final : public CpuStep {
 public:
  GatherElementsStep(const GatherElements& gather, const Node& node, StepMaker& maker)
      : indices_(node.inputs[GatherElements::indices], maker),
        x_(maker.slot(node.inputs[GatherElements::x])),
        y_(maker.slot(node.results[0])) {
    const ValueType& type = maker.graph().type(node.inputs[GatherElements::x]);
    const Shape& at = maker.graph().shape(node.inputs[GatherElements::indices]);
    const std::size_t axis = axis_of(gather.axis, type.shape.rank());
    Strides strides = dense_strides(type.shape);
    bytes_ = size_of(type.type);
    extent_ = type.shape[axis];
    stride_ = strides[axis];
    strides[axis] = 0;
    nest_ = {at, {dense_strides(at), strides}};
  }

  void run(const CpuRun& run) const noexcept override {
    const IndexReader indices = indices_.reader(run);
    with_word(bytes_, [&]<typename Word>(std::type_identity<Word>) {
      const Word* x = run.at<const Word>(x_);
      Word* y = run.at<Word>(y_);
      run.workers.parallel_blocks(
          nest_.runs(), together(nest_.run_size()),
          [&](std::size_t first, std::size_t n, ThreadScratch&) {
            nest_.for_runs(first, first + n, [&](const std::array<std::int64_t, 2>& at) {
              for (std::size_t i = 0; i < nest_.run_size(); ++i) {
                const auto step = static_cast<std::int64_t>(i);
                const std::int64_t to = at[0] + step;
                y[to] = x[at[1] + step * nest_.run_stride(1) +
                          indices.at(static_cast<std::size_t>(to), extent_) * stride_];
              }
            });
          });
    });
  }

 private:
  IndexSlot indices_;
  Slot x_;
  Slot y_;
  std::size_t bytes_ = 0;
  std::int64_t extent_ = 0;
  std::int64_t stride_ = 0;
  LoopNest<2> nest_;
};

class GatherNdStep final : public CpuStep {
 public:
  GatherNdStep(const GatherNd& gather, const Node& node, StepMaker& maker)
      : indices_(node.inputs[GatherNd::indices], maker),
        x_(maker.slot(node.inputs[GatherNd::x])),
        y_(maker.slot(node.results[0])) {
    const ValueType& type = maker.graph().type(node.inputs[GatherNd::x]);
    const Shape& at = maker.graph().shape(node.inputs[GatherNd::indices]);
    const Strides strides = dense_strides(type.shape);
    depth_ = static_cast<std::size_t>(at.back());
    for (std::size_t i = 0; i < depth_; ++i) {
      extents_[i] = type.shape[gather.batch_axes + i];
      strides_[i] = strides[gather.batch_axes + i];
    }
    const auto part = [](std::span<const std::int64_t> extents) {
      return static_cast<std::size_t>(Shape(extents).size());
    };
    const std::span<const std::int64_t> in = type.shape.extents();
    bytes_ = part(in.subspan(gather.batch_axes + depth_)) * size_of(type.type);
    batch_bytes_ = part(in.subspan(gather.batch_axes)) * size_of(type.type);
    element_bytes_ = size_of(type.type);
    batches_ = part(in.first(gather.batch_axes));
    tuples_ = part(at.extents().subspan(gather.batch_axes, at.rank() - 1 - gather.batch_axes));
  }

  void run(const CpuRun& run) const noexcept override {
    const IndexReader indices = indices_.reader(run);
    run.workers.parallel_blocks(
        bytes_ == 0 ? 0 : batches_ * tuples_, together(bytes_),
        [&](std::size_t first, std::size_t n, ThreadScratch&) {
          for (std::size_t i = first; i < first + n; ++i) {
            std::int64_t offset = 0;
            for (std::size_t d = 0; d < depth_; ++d) {
              offset += indices.at(i * depth_ + d, extents_[d]) * strides_[d];
            }
            std::memcpy(run.at<std::byte>(y_) + i * bytes_,
                        run.at<const std::byte>(x_) + i / tuples_ * batch_bytes_ +
                            static_cast<std::size_t>(offset) * element_bytes_,
                        bytes_);
          }
        });
  }

 private:
  IndexSlot indices_;
  Slot x_;
  Slot y_;
  Strides extents_{};
  Strides strides_{};
  std::size_t depth_ = 0;
  std::size_t bytes_ = 0;
  std::size_t batch_bytes_ = 0;
  std::size_t element_bytes_ = 0;
  std::size_t batches_ = 1;
  std::size_t tuples_ = 1;
};

}  // namespace

std::unique_ptr<Step> make_gather(const Gather& gather, const Node& node, StepMaker& maker) {
  const IndexSlot indices(node.inputs[Gather::indices], maker);
  if (indices.is_constant()) {
    const Shape& in = maker.graph().shape(node.inputs[Gather::x]);
    const std::size_t axis = axis_of(gather.axis, in.rank());
    std::vector<std::int64_t> extents(in.extents().begin(), in.extents().end());
    extents[axis] =
        static_cast<std::int64_t>(maker.graph().shape(node.inputs[Gather::indices]).size());
    const IndexReader reader = indices.reader();
    IndexMaps maps = index_maps(extents, maker, [&](std::size_t a, std::int64_t i) {
      return a == axis ? reader.at(static_cast<std::size_t>(i), in[a]) : i;
    });
    return make_index_map(node, std::move(maps), 0, maker);
  }
  return std::make_unique<GatherStep>(gather, node, maker);
}
std::unique_ptr<Step> make_gather_elements(const GatherElements& gather, const Node& node,
                                           StepMaker& maker) {
  return std::make_unique<GatherElementsStep>(gather, node, maker);
}
std::unique_ptr<Step> make_gather_nd(const GatherNd& gather, const Node& node, StepMaker& maker) {
  return std::make_unique<GatherNdStep>(gather, node, maker);
}

}  // namespace metalaudio::nn::cpu
