#include <metalaudio/core/error.h>
#include <metalaudio/nn/cpu/steps/index_map.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>
#include <metalaudio/nn/steps/strides.h>

#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kBlockBytes = 65536;

/// One rectangle of elements from strides to strides.
struct Move {
  LoopNest<2> nest;  ///< of the target, of the source
  std::int64_t to = 0;
  std::int64_t from = 0;
};

template <typename Word>
void move_run(Word* to, std::int64_t to_stride, const Word* from, std::int64_t from_stride,
              std::size_t n) noexcept {
  if (to_stride == 1 && from_stride == 1) {
    std::memcpy(to, from, n * sizeof(Word));
  } else if (to_stride == 1 && from_stride == 0) {
    std::fill_n(to, n, *from);
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      const auto step = static_cast<std::int64_t>(i);
      to[step * to_stride] = from[step * from_stride];
    }
  }
}

void move(const CpuRun& run, const Move& move, std::size_t bytes, Slot from, Slot to) noexcept {
  const std::size_t run_bytes = std::max<std::size_t>(1, move.nest.run_size() * bytes);
  const std::size_t together = std::max<std::size_t>(1, kBlockBytes / run_bytes);
  with_word(bytes, [&]<typename Word>(std::type_identity<Word>) {
    const Word* source = run.at<const Word>(from) + move.from;
    Word* target = run.at<Word>(to) + move.to;
    run.workers.parallel_blocks(
        move.nest.runs(), together, [&](std::size_t first, std::size_t n, ThreadScratch&) {
          move.nest.for_runs(first, first + n, [&](const std::array<std::int64_t, 2>& at) {
            move_run(target + at[0], move.nest.run_stride(0), source + at[1],
                     move.nest.run_stride(1), move.nest.run_size());
          });
        });
  });
}

/// Transposes, slices and repetitions: the target is dense, the source is read with strides.
class MoveStep final : public CpuStep {
 public:
  MoveStep(const Node& node, const Strides& strides, std::int64_t offset, StepMaker& maker)
      : x_(maker.slot(node.inputs[0])), y_(maker.slot(node.results[0])) {
    const ValueType& type = maker.graph().type(node.results[0]);
    bytes_ = size_of(type.type);
    move_ = {{type.shape, {dense_strides(type.shape), strides}}, 0, offset};
  }

  void run(const CpuRun& run) const noexcept override { move(run, move_, bytes_, x_, y_); }

 private:
  Slot x_;
  Slot y_;
  std::size_t bytes_;
  Move move_;
};

/// The same bytes under another type.
class BitCastStep final : public CpuStep {
 public:
  BitCastStep(const Node& node, StepMaker& maker)
      : x_(maker.slot(node.inputs[0])),
        y_(maker.slot(node.results[0])),
        bytes_(maker.graph().type(node.results[0]).bytes()) {}

  void run(const CpuRun& run) const noexcept override {
    if (bytes_ != 0) std::memcpy(run.at<std::byte>(y_), run.at<const std::byte>(x_), bytes_);
  }

 private:
  Slot x_;
  Slot y_;
  std::size_t bytes_;
};

class ConcatStep final : public CpuStep {
 public:
  ConcatStep(const Concat& concat, const Node& node, StepMaker& maker)
      : y_(maker.slot(node.results[0])) {
    const ValueType& type = maker.graph().type(node.results[0]);
    bytes_ = size_of(type.type);
    const Strides strides = dense_strides(type.shape);
    const std::size_t axis = axis_of(concat.axis, type.shape.rank());
    std::int64_t offset = 0;
    for (const Value input : node.inputs) {
      const Shape& shape = maker.graph().shape(input);
      inputs_.push_back(maker.slot(input));
      moves_.push_back({{shape, {strides, dense_strides(shape)}}, offset, 0});
      offset += shape[axis] * strides[axis];
    }
  }

  void run(const CpuRun& run) const noexcept override {
    for (std::size_t i = 0; i < inputs_.size(); ++i) move(run, moves_[i], bytes_, inputs_[i], y_);
  }

 private:
  Slot y_;
  std::size_t bytes_;
  std::vector<Slot> inputs_;
  std::vector<Move> moves_;
};

/// The index of x that stands at `at`; -1: the constant.
std::int64_t padded_source(std::int64_t at, std::int64_t extent, PadMode mode) {
  if (at >= 0 && at < extent) return at;
  switch (mode) {
    case PadMode::constant:
      return -1;
    case PadMode::edge:
      return at < 0 ? 0 : extent - 1;
    case PadMode::wrap:
      return ((at % extent) + extent) % extent;
    case PadMode::reflect: {
      if (extent == 1) return 0;
      const std::int64_t period = 2 * (extent - 1);
      const std::int64_t i = ((at % period) + period) % period;
      return i < extent ? i : period - i;
    }
    case PadMode::symmetric: {
      const std::int64_t i = ((at % (2 * extent)) + 2 * extent) % (2 * extent);
      return i < extent ? i : 2 * extent - 1 - i;
    }
  }
  return -1;
}

}  // namespace

std::unique_ptr<Step> make_transpose(const Transpose& transpose, const Node& node,
                                     StepMaker& maker) {
  const Strides dense = dense_strides(maker.graph().shape(node.inputs[0]));
  Strides strides{};
  for (std::size_t i = 0; i < transpose.order.size(); ++i) strides[i] = dense[transpose.order[i]];
  return std::make_unique<MoveStep>(node, strides, 0, maker);
}

std::unique_ptr<Step> make_slice(const Slice& slice, const Node& node, StepMaker& maker) {
  Strides strides = dense_strides(maker.graph().shape(node.inputs[0]));
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < slice.starts.size(); ++i) {
    offset += slice.shape.size() == 0 ? 0 : slice.starts[i] * strides[i];
    if (!slice.steps.empty()) strides[i] *= slice.steps[i];
  }
  return std::make_unique<MoveStep>(node, strides, offset, maker);
}

std::unique_ptr<Step> make_expand(const Node& node, StepMaker& maker) {
  const Strides strides =
      broadcast_strides(maker.graph().shape(node.inputs[0]), maker.graph().shape(node.results[0]));
  return std::make_unique<MoveStep>(node, strides, 0, maker);
}

std::unique_ptr<Step> make_bit_cast(const Node& node, StepMaker& maker) {
  return std::make_unique<BitCastStep>(node, maker);
}
std::unique_ptr<Step> make_concat(const Concat& concat, const Node& node, StepMaker& maker) {
  return std::make_unique<ConcatStep>(concat, node, maker);
}

std::unique_ptr<Step> make_pad(const Pad& pad, const Node& node, StepMaker& maker) {
  const Shape& in = maker.graph().shape(node.inputs[0]);
  const Shape& out = maker.graph().shape(node.results[0]);
  IndexMaps maps = index_maps(out.extents(), maker, [&](std::size_t axis, std::int64_t i) {
    return padded_source(i - pad.before[axis], in[axis], pad.mode);
  });
  return make_index_map(node, std::move(maps), pad.value, maker);
}

}  // namespace metalaudio::nn::cpu
