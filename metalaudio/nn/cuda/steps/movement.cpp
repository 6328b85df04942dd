#include <metalaudio/nn/cuda/kernels/movement.h>
#include <metalaudio/nn/cuda/steps/steps.h>
#include <metalaudio/nn/cuda/steps/walk.h>
#include <metalaudio/nn/steps/number.h>

#include <cstring>
#include <utility>

namespace metalaudio::nn::cuda {

namespace {

/// Rectangles of elements, from strides to strides.
class MoveStep final : public CudaStep {
 public:
  struct Move {
    Walk<2> walk;
    std::int64_t to = 0;
    std::int64_t from = 0;
  };

  /// The result is dense, the input is read with steps from an offset on.
  MoveStep(const Making& making, const Steps& steps, std::int64_t offset) : MoveStep(making) {
    const Shape& shape = making.result_type().shape;
    add(making.input(0), {walk_of<2>(shape, {dense_steps(shape), steps}), 0, offset});
  }
  explicit MoveStep(const Making& making)
      : bytes_(size_of(making.result_type().type)), y_(making.result()) {}

  void add(Slot from, const Move& move) {
    if (move.walk.size > 0) moves_.push_back({from, move});
  }

  void run(const CudaRun& run) const noexcept override {
    for (const auto& [from, move] : moves_) {
      const auto bytes = static_cast<std::int64_t>(bytes_);
      launch_move(bytes_, run.at<std::byte>(y_) + move.to * bytes,
                  run.at<const std::byte>(from) + move.from * bytes, move.walk, run.stream);
    }
  }

 private:
  std::size_t bytes_;
  Slot y_;
  std::vector<std::pair<Slot, Move>> moves_;
};

PadRule rule_of(PadMode mode) {
  switch (mode) {
    case PadMode::constant:
      return PadRule::constant;
    case PadMode::reflect:
      return PadRule::reflect;
    case PadMode::symmetric:
      return PadRule::symmetric;
    case PadMode::edge:
      return PadRule::edge;
    case PadMode::wrap:
      return PadRule::wrap;
  }
  return PadRule::constant;
}

std::uint64_t bits_of(double value, DataType type) {
  std::uint64_t bits = 0;
  visit_type(type, [&]<typename T>(std::type_identity<T>) {
    const T element = converted<T>(value);
    std::memcpy(&bits, &element, sizeof(T));
  });
  return bits;
}

Padding padding_of(const Pad& pad, const Shape& x, const ValueType& y) {
  Padding padding;
  padding.size = y.shape.size();
  padding.rule = rule_of(pad.mode);
  padding.value = bits_of(pad.value, y.type);
  std::size_t axes = 0;
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    const bool whole = pad.before[axis] == 0 && x[axis] == y.shape[axis];
    if (whole && x[axis] == 1) continue;
    // An axis that stays whole is one with that before it, whose constants come in whole lines.
    const bool lines =
        pad.mode == PadMode::constant || (axes > 0 && padding.before[axes - 1] == 0 &&
                                          padding.source[axes - 1] == padding.extents[axes - 1]);
    if (whole && axes > 0 && lines) {
      padding.extents[axes - 1] *= x[axis];
      padding.source[axes - 1] *= x[axis];
      padding.before[axes - 1] *= x[axis];
    } else {
      padding.extents[axes] = y.shape[axis];
      padding.source[axes] = x[axis];
      padding.before[axes++] = pad.before[axis];
    }
  }
  padding.axes = static_cast<int>(axes == 0 ? 1 : axes);
  return padding;
}

class PadStep final : public CudaStep {
 public:
  PadStep(const Pad& pad, const Making& making)
      : bytes_(size_of(making.result_type().type)),
        padding_(padding_of(pad, making.type(0).shape, making.result_type())),
        x_(making.input(0)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    launch_pad(bytes_, run.at(y_), run.at(x_), padding_, run.stream);
  }

 private:
  std::size_t bytes_;
  Padding padding_;
  Slot x_;
  Slot y_;
};

class WhereStep final : public CudaStep {
 public:
  explicit WhereStep(const Making& making)
      : bytes_(size_of(making.result_type().type)),
        condition_(making.input(Where::condition)),
        a_(making.input(Where::a)),
        b_(making.input(Where::b)),
        y_(making.result()) {
    const Shape& shape = making.result_type().shape;
    const auto steps = [&](std::size_t input) {
      return repeated_steps(making.type(input).shape, shape);
    };
    walk_ = walk_of<3>(shape, {steps(Where::condition), steps(Where::a), steps(Where::b)});
  }
  void run(const CudaRun& run) const noexcept override {
    launch_where(bytes_, run.at(y_), run.at(condition_), run.at(a_), run.at(b_), walk_, run.stream);
  }

 private:
  std::size_t bytes_;
  Walk<3> walk_;
  Slot condition_;
  Slot a_;
  Slot b_;
  Slot y_;
};

class TriluStep final : public CudaStep {
 public:
  TriluStep(const Trilu& trilu, const Making& making)
      : trilu_(trilu), type_(making.result_type()), x_(making.input(0)), y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    const Shape& shape = type_.shape;
    launch_trilu(size_of(type_.type), run.at(y_), run.at(x_), shape.size(), shape[shape.rank() - 2],
                 shape.back(), trilu_.diagonal, trilu_.upper, run.stream);
  }

 private:
  Trilu trilu_;
  ValueType type_;
  Slot x_;
  Slot y_;
};

}  // namespace

std::string refusal_of(const Transpose&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Transpose& transpose, const Making& making) {
  const Steps dense = dense_steps(making.type(0).shape);
  Steps steps{};
  for (std::size_t i = 0; i < transpose.order.size(); ++i) steps[i] = dense[transpose.order[i]];
  return std::make_unique<MoveStep>(making, steps, 0);
}

std::string refusal_of(const Slice&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Slice& slice, const Making& making) {
  Steps steps = dense_steps(making.type(0).shape);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < slice.starts.size(); ++i) {
    offset += slice.shape.size() == 0 ? 0 : slice.starts[i] * steps[i];
    if (!slice.steps.empty()) steps[i] *= slice.steps[i];
  }
  return std::make_unique<MoveStep>(making, steps, offset);
}

std::string refusal_of(const Expand&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Expand&, const Making& making) {
  return std::make_unique<MoveStep>(
      making, repeated_steps(making.type(0).shape, making.result_type().shape), 0);
}

std::string refusal_of(const Concat&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Concat& concat, const Making& making) {
  const Shape& whole = making.result_type().shape;
  const Steps steps = dense_steps(whole);
  const std::size_t axis = axis_of(concat.axis, whole.rank());
  auto step = std::make_unique<MoveStep>(making);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < making.node.inputs.size(); ++i) {
    const Shape& shape = making.type(i).shape;
    step->add(making.input(i), {walk_of<2>(shape, {steps, dense_steps(shape)}), offset, 0});
    offset += shape[axis] * steps[axis];
  }
  return step;
}

std::string refusal_of(const Pad&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Pad& pad, const Making& making) {
  return std::make_unique<PadStep>(pad, making);
}

std::string refusal_of(const Where&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Where&, const Making& making) {
  return std::make_unique<WhereStep>(making);
}

std::string refusal_of(const Trilu&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Trilu& trilu, const Making& making) {
  return std::make_unique<TriluStep>(trilu, making);
}

}  // namespace metalaudio::nn::cuda
