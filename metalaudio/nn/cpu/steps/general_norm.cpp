#include <metalaudio/nn/cpu/steps/general.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>

namespace metalaudio::nn::cpu {

namespace {

/// Sets of `size` numbers that are normalised together, `rows` pieces of `columns` of them.
struct Set {
  const double* x;
  double* y;
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;  ///< from piece to piece

  template <typename Body>
  void each(Body&& body) const noexcept {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) body(r * stride + c, c);
    }
  }
};

struct Scaling {
  double mean = 0;
  double factor = 1;
};

/// All but RmsNorm: mean and variance in two passes.
Scaling standard(const Set& set, double epsilon) noexcept {
  const auto count = static_cast<double>(set.rows * set.columns);
  double sum = 0;
  set.each([&](std::size_t i, std::size_t) { sum += set.x[i]; });
  const double mean = sum / count;
  double squares = 0;
  set.each([&](std::size_t i, std::size_t) { squares += (set.x[i] - mean) * (set.x[i] - mean); });
  return {mean, 1 / std::sqrt(squares / count + epsilon)};
}

Scaling root_mean_square(const Set& set, RmsForm form, double epsilon) noexcept {
  const auto count = static_cast<double>(set.columns);
  double squares = 0;
  set.each([&](std::size_t i, std::size_t) { squares += set.x[i] * set.x[i]; });
  return {0, form == RmsForm::l2 ? std::sqrt(count) / std::max(std::sqrt(squares), epsilon)
                                 : 1 / std::sqrt(squares / count + epsilon)};
}

std::size_t inner_size(const Shape& shape, std::size_t axes) {
  return static_cast<std::size_t>(Shape(shape.extents().last(axes)).size());
}

/// The three norms of double. `scaling` says how a set is scaled.
template <typename Scale>
class NormStep final : public CpuStep {
 public:
  /// `groups` sets share every block of `rows` rows of `groups` · `columns`.
  NormStep(const Node& node, std::size_t rows, std::size_t groups, std::size_t columns, Scale scale,
           StepMaker& maker)
      : rows_(rows),
        groups_(groups),
        columns_(columns),
        scale_(scale),
        x_(maker.slot(node.inputs[0])),
        gamma_(maker.slot(node.inputs[1])),
        beta_(node.inputs.size() > 2 ? maker.slot(node.inputs[2]) : Slot{}),
        y_(maker.slot(node.results[0])) {
    const auto size = static_cast<std::size_t>(maker.graph().shape(node.results[0]).size());
    sets_ = size == 0 ? 0 : size / (rows * columns);
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_blocks(sets_, together(rows_ * columns_),
                                [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                  for (std::size_t i = first; i < first + n; ++i) normalise(run, i);
                                });
  }

 private:
  void normalise(const CpuRun& run, std::size_t index) const noexcept {
    const std::size_t group = index % groups_;
    const std::size_t begin = index / groups_ * rows_ * groups_ * columns_ + group * columns_;
    const Set set{run.at<const double>(x_) + begin, run.at<double>(y_) + begin, rows_, columns_,
                  groups_ * columns_};
    const Scaling scaling = scale_(set);
    const double* gamma = run.at<const double>(gamma_);
    const double* beta = run.at<const double>(beta_);
    set.each([&](std::size_t i, std::size_t c) {
      const std::size_t channel = group * columns_ + c;
      set.y[i] =
          (set.x[i] - scaling.mean) * scaling.factor * (gamma == nullptr ? 1 : gamma[channel]) +
          (beta == nullptr ? 0 : beta[channel]);
    });
  }

  std::size_t rows_;
  std::size_t groups_;
  std::size_t columns_;
  Scale scale_;
  Slot x_;
  Slot gamma_;
  Slot beta_;
  Slot y_;
  std::size_t sets_ = 0;
};

template <typename Scale>
std::unique_ptr<Step> make_norm(const Node& node, std::size_t rows, std::size_t groups,
                                std::size_t columns, Scale scale, StepMaker& maker) {
  return std::make_unique<NormStep<Scale>>(node, rows, groups, columns, scale, maker);
}

class SoftmaxStep final : public CpuStep {
 public:
  SoftmaxStep(const Softmax& softmax, const Node& node, StepMaker& maker)
      : log_(softmax.log), x_(maker.slot(node.inputs[0])), y_(maker.slot(node.results[0])) {
    const Shape& shape = maker.graph().shape(node.results[0]);
    around_ = {shape, axis_of(softmax.axis, shape.rank())};
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_blocks(around_.extent == 0 ? 0 : around_.lines(), together(around_.extent),
                                [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                  for (std::size_t line = first; line < first + n; ++line) {
                                    const std::size_t at = around_.line(line);
                                    along(run.at<const double>(x_) + at, run.at<double>(y_) + at);
                                  }
                                });
  }

 private:
  void along(const double* x, double* y) const noexcept {
    double top = x[0];
    double sum = 0;
    for (std::size_t k = 1; k < around_.extent; ++k) top = std::max(top, x[k * around_.inner]);
    for (std::size_t k = 0; k < around_.extent; ++k) sum += std::exp(x[k * around_.inner] - top);
    for (std::size_t k = 0; k < around_.extent; ++k) {
      const double shifted = x[k * around_.inner] - top;
      y[k * around_.inner] = log_ ? shifted - std::log(sum) : std::exp(shifted) / sum;
    }
  }

  bool log_;
  Slot x_;
  Slot y_;
  Around around_;
};

class GluStep final : public CpuStep {
 public:
  GluStep(const Node& node, StepMaker& maker)
      : x_(maker.slot(node.inputs[0])), y_(maker.slot(node.results[0])) {
    const Shape& shape = maker.graph().shape(node.results[0]);
    channels_ = static_cast<std::size_t>(shape.back());
    size_ = static_cast<std::size_t>(shape.size());
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_blocks(
        size_, together(1), [&](std::size_t first, std::size_t n, ThreadScratch&) {
          for (std::size_t i = first; i < first + n; ++i) {
            const double* x =
                run.at<const double>(x_) + (i / channels_ * 2) * channels_ + i % channels_;
            run.at<double>(y_)[i] = x[0] / (1 + std::exp(-x[channels_]));
          }
        });
  }

 private:
  Slot x_;
  Slot y_;
  std::size_t channels_ = 0;
  std::size_t size_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_general(const GroupNorm& norm, const Node& node, StepMaker& maker) {
  const Shape& shape = maker.graph().shape(node.results[0]);
  const auto groups = static_cast<std::size_t>(norm.groups);
  const std::size_t channels = static_cast<std::size_t>(shape.back());
  const std::size_t rows = inner_size(shape, norm.axes + 1) / std::max<std::size_t>(1, channels);
  const double epsilon = norm.epsilon;
  return make_norm(
      node, rows, groups, channels / groups,
      [epsilon](const Set& set) { return standard(set, epsilon); }, maker);
}

std::unique_ptr<Step> make_general(const LayerNorm& norm, const Node& node, StepMaker& maker) {
  const double epsilon = norm.epsilon;
  const std::size_t columns = inner_size(maker.graph().shape(node.results[0]), norm.axes);
  return make_norm(
      node, 1, 1, columns, [epsilon](const Set& set) { return standard(set, epsilon); }, maker);
}

std::unique_ptr<Step> make_general(const RmsNorm& norm, const Node& node, StepMaker& maker) {
  const double epsilon = norm.epsilon;
  const std::size_t columns = inner_size(maker.graph().shape(node.results[0]), norm.axes);
  return make_norm(
      node, 1, 1, columns,
      [epsilon, form = norm.form](const Set& set) { return root_mean_square(set, form, epsilon); },
      maker);
}

std::unique_ptr<Step> make_general(const Softmax& softmax, const Node& node, StepMaker& maker) {
  return std::make_unique<SoftmaxStep>(softmax, node, maker);
}

std::unique_ptr<Step> make_general(const Glu&, const Node& node, StepMaker& maker) {
  return std::make_unique<GluStep>(node, maker);
}

}  // namespace metalaudio::nn::cpu
