#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>
#include <metalaudio/nn/cpu/numbers.h>

namespace metalaudio::nn::cpu {

/// What was fused behind a convolution: y = activation(conv(x) · gain) + residual.
struct ConvEpilogue {
  Activation activation = Activation::none;
  Value gain = {};      ///< a constant per channel, folded into the weights
  Value residual = {};  ///< as large as y, or repeated along its rows or positions
};

/// A convolution with what was fused behind it, before it is made.
struct ConvParts {
  const Node* node;
  ConvEpilogue epilogue;
  const GemmKernel* kernel;
};

/// The constants of a convolution, transposed or not, with a gain in them; a bias of zeros where
/// there is none.
struct ConvConstants {
  Array<float> weight;
  Array<float> bias;
};
ConvConstants conv_constants(const Graph& graph, const Node& node, Value gain);

inline std::size_t size_of(std::int64_t n) { return static_cast<std::size_t>(n); }
inline std::ptrdiff_t ceil_divide(std::ptrdiff_t a, std::ptrdiff_t b) {
  return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

std::unique_ptr<Step> make_conv(const GemmKernel& kernel, const Conv& conv, const Node& node,
                                const ConvEpilogue& epilogue, Value y, StepMaker& maker);

/// A convolution that another step runs in parts. Rows are those of all batches.
class ConvInParts : public CpuStep {
 public:
  /// One row of the result.
  virtual void run_row(const CpuRun& run, std::size_t row,
                       ThreadScratch& scratch) const noexcept = 0;
  /// Positions [first, first + count) of a row, at most kBlockRows, of a convolution of one tap,
  /// whose input is at x.
  virtual void run_positions(const CpuRun& run, std::size_t row, std::size_t first,
                             std::size_t count, const float* x,
                             ThreadScratch& scratch) const noexcept = 0;
};
/// By positions its input is what run_positions() is given, by rows its own.
enum class ConvUse { whole, by_rows, by_positions };
/// Without groups.
std::unique_ptr<ConvInParts> make_conv_in_parts(const GemmKernel& kernel, const Node& node,
                                                const ConvEpilogue& epilogue, Value y, ConvUse use,
                                                StepMaker& maker);
/// As many groups as there are channels, before and after.
std::unique_ptr<Step> make_depthwise_conv(const Conv& conv, const Node& node,
                                          const ConvEpilogue& epilogue, Value y, StepMaker& maker);
std::unique_ptr<Step> make_conv_transpose(const GemmKernel& kernel, const ConvTranspose& conv,
                                          const Node& node, const ConvEpilogue& epilogue, Value y,
                                          StepMaker& maker);

/// Whether all outputs that meet the same inputs of a transposed convolution can be columns of one
/// product.
bool has_whole_phases(const ConvTranspose& conv, const Node& node, const ConvEpilogue& epilogue,
                      Value y, const Graph& graph);
/// Whether an axis is such that they can, and whether one keeps its extent.
bool in_whole_phases(const TransposeAxis& axis);
bool stands_still(const TransposeAxis& axis, std::int64_t extent);
std::unique_ptr<Step> make_conv_transpose_phases(const GemmKernel& kernel,
                                                 const ConvTranspose& conv, const Node& node,
                                                 const ConvEpilogue& epilogue, Value y,
                                                 StepMaker& maker);

/// A value as batches of rows of positions of channels: the axes of a convolution with at most two,
/// and everything before them.
struct Planes {
  Planes(const Shape& shape, std::size_t axes);

  std::int64_t batch = 1;
  std::int64_t rows = 1;
  std::int64_t positions = 1;
  std::int64_t channels = 1;

  std::int64_t row_stride() const noexcept { return positions * channels; }
  std::int64_t batch_stride() const noexcept { return rows * positions * channels; }
};

/// A residual as the epilogue adds it to a result of a convolution over so many axes; none: no slot.
class Residual {
 public:
  Residual(Value residual, Value result, std::size_t axes, StepMaker& maker);

  /// Whether the kernels can repeat a value of this shape to the result's.
  static bool fits(const Shape& shape, const Shape& result, std::size_t axes);

  /// Whether nothing of it is repeated.
  bool whole() const noexcept { return whole_; }
  /// How far one position moves in it.
  std::int64_t step() const noexcept { return position_; }
  /// The same of a residual that may be bfloat16.
  Numbers numbers_at(const CpuRun& run, bool halves, std::int64_t batch, std::int64_t row,
                     std::int64_t position) const noexcept {
    return Numbers{run.at<std::byte>(slot_), halves} +
           (batch * batch_ + row * row_ + position * position_);
  }
  /// Null where there is none.
  const float* at(const CpuRun& run, std::int64_t batch, std::int64_t row,
                  std::int64_t position) const noexcept {
    const auto* base = run.at<const float>(slot_);
    return base == nullptr ? nullptr : base + batch * batch_ + row * row_ + position * position_;
  }

 private:
  Slot slot_;
  bool whole_ = true;
  std::int64_t batch_ = 0;
  std::int64_t row_ = 0;
  std::int64_t position_ = 0;
};

}  // namespace metalaudio::nn::cpu
