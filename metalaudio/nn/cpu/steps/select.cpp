#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>
#include <metalaudio/nn/steps/strides.h>

#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

class WhereStep final : public CpuStep {
 public:
  WhereStep(const Node& node, StepMaker& maker)
      : condition_(maker.slot(node.inputs[Where::condition])),
        a_(maker.slot(node.inputs[Where::a])),
        b_(maker.slot(node.inputs[Where::b])),
        y_(maker.slot(node.results[0])) {
    const Graph& graph = maker.graph();
    const ValueType& type = graph.type(node.results[0]);
    bytes_ = size_of(type.type);
    nest_ = {type.shape,
             {dense_strides(type.shape),
              broadcast_strides(graph.shape(node.inputs[Where::condition]), type.shape),
              broadcast_strides(graph.shape(node.inputs[Where::a]), type.shape),
              broadcast_strides(graph.shape(node.inputs[Where::b]), type.shape)}};
  }

  void run(const CpuRun& run) const noexcept override {
    with_word(bytes_, [&]<typename Word>(std::type_identity<Word>) {
      run.workers.parallel_blocks(
          nest_.runs(), together(nest_.run_size()),
          [&](std::size_t first, std::size_t n, ThreadScratch&) {
            nest_.for_runs(first, first + n, [&](const std::array<std::int64_t, 4>& at) {
              select(run.at<Word>(y_) + at[0], run.at<const bool>(condition_) + at[1],
                     run.at<const Word>(a_) + at[2], run.at<const Word>(b_) + at[3]);
            });
          });
    });
  }

 private:
  template <typename Word>
  void select(Word* y, const bool* condition, const Word* a, const Word* b) const noexcept {
    for (std::size_t i = 0; i < nest_.run_size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      y[at] = condition[at * nest_.run_stride(1)] ? a[at * nest_.run_stride(2)]
                                                  : b[at * nest_.run_stride(3)];
    }
  }

  Slot condition_;
  Slot a_;
  Slot b_;
  Slot y_;
  std::size_t bytes_ = 0;
  LoopNest<4> nest_;
};

class TriluStep final : public CpuStep {
 public:
  TriluStep(const Trilu& trilu, const Node& node, StepMaker& maker)
      : trilu_(trilu), x_(maker.slot(node.inputs[0])), y_(maker.slot(node.results[0])) {
    const ValueType& type = maker.graph().type(node.results[0]);
    bytes_ = size_of(type.type);
    rows_ = type.shape[type.shape.rank() - 2];
    columns_ = type.shape.back();
    all_rows_ = columns_ == 0 ? 0 : static_cast<std::size_t>(type.shape.size() / columns_);
  }

  void run(const CpuRun& run) const noexcept override {
    const auto width = static_cast<std::size_t>(columns_) * bytes_;
    run.workers.parallel_blocks(
        all_rows_, together(width), [&](std::size_t first, std::size_t n, ThreadScratch&) {
          for (std::size_t row = first; row < first + n; ++row) {
            const std::byte* x = run.at<const std::byte>(x_) + row * width;
            std::byte* y = run.at<std::byte>(y_) + row * width;
            const std::size_t cut = bytes_ * boundary(static_cast<std::int64_t>(row) % rows_);
            std::memcpy(y, x, width);
            std::memset(trilu_.upper ? y : y + cut, 0, trilu_.upper ? cut : width - cut);
          }
        });
  }

 private:
  /// The first column that is kept (upper) or is not any more (lower).
  std::size_t boundary(std::int64_t row) const noexcept {
    const std::int64_t room = columns_ - row;  // row + diagonal may overflow
    const std::int64_t past = trilu_.upper ? 0 : 1;
    if (trilu_.diagonal >= room - past) return static_cast<std::size_t>(columns_);
    if (trilu_.diagonal <= -row - past) return 0;
    return static_cast<std::size_t>(row + trilu_.diagonal + past);
  }

  Trilu trilu_;
  Slot x_;
  Slot y_;
  std::size_t bytes_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
  std::size_t all_rows_ = 0;
};

class OneHotStep final : public CpuStep {
 public:
  OneHotStep(const OneHot& one_hot, const Node& node, StepMaker& maker)
      : type_(maker.graph().type(node.inputs[OneHot::indices]).type),
        indices_(maker.slot(node.inputs[OneHot::indices])),
        values_(maker.slot(node.inputs[OneHot::values])),
        y_(maker.slot(node.results[0])) {
    const ValueType& type = maker.graph().type(node.results[0]);
    bytes_ = size_of(type.type);
    around_ = {type.shape, axis_of(one_hot.axis, type.shape.rank())};
  }

  void run(const CpuRun& run) const noexcept override {
    with_word(bytes_, [&]<typename Word>(std::type_identity<Word>) {
      visit_type(type_, [&]<typename T>(std::type_identity<T>) {
        run.workers.parallel_blocks(around_.lines(), together(around_.extent),
                                    [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                      for (std::size_t line = first; line < first + n; ++line) {
                                        fill(run.at<const Word>(values_),
                                             run.at<const T>(indices_)[line],
                                             run.at<Word>(y_) + around_.line(line));
                                      }
                                    });
      });
    });
  }

 private:
  template <typename Word, typename T>
  void fill(const Word* values, T index, Word* y) const noexcept {
    for (std::size_t i = 0; i < around_.extent; ++i) y[i * around_.inner] = values[0];
    const auto extent = static_cast<std::int64_t>(around_.extent);
    auto at = converted<std::int64_t>(index);
    if (at < 0) at += extent;
    if (at >= 0 && at < extent) y[static_cast<std::size_t>(at) * around_.inner] = values[1];
  }

  DataType type_;
  Slot indices_;
  Slot values_;
  Slot y_;
  std::size_t bytes_ = 0;
  Around around_;
};

}  // namespace

std::unique_ptr<Step> make_where(const Node& node, StepMaker& maker) {
  return std::make_unique<WhereStep>(node, maker);
}
std::unique_ptr<Step> make_trilu(const Trilu& trilu, const Node& node, StepMaker& maker) {
  return std::make_unique<TriluStep>(trilu, node, maker);
}
std::unique_ptr<Step> make_one_hot(const OneHot& one_hot, const Node& node, StepMaker& maker) {
  return std::make_unique<OneHotStep>(one_hot, node, maker);
}

}  // namespace metalaudio::nn::cpu
