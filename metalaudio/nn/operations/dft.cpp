#include <metalaudio/nn/operations/dft.h>

#include <vector>

namespace metalaudio::nn {

namespace {

constexpr std::int64_t kLargestSize = std::int64_t{1} << 27;  // of a transform of dsp

}  // namespace

ValueTypes Dft::infer(const Inputs& inputs) const {
  inputs.expect_floating();
  const Shape& in = inputs.shape(0);
  if (in.rank() < 2 || (in.back() != 1 && in.back() != 2)) {
    reject("{}: the last axis holds 1 (real) or 2 (complex) numbers", in.to_string());
  }
  const std::size_t along = axis_of(axis, in.rank());
  if (along == in.rank() - 1) reject("axis {} holds the numbers' parts", axis);
  const bool to_real = onesided && inverse;
  if (onesided && in.back() != (inverse ? 2 : 1)) {
    reject("{}: onesided stands for a real signal", in.to_string());
  }
  const std::int64_t points = size > 0 ? size : to_real ? 2 * (in[along] - 1) : in[along];
  if (size < 0 || points < 1 || points > kLargestSize) {
    reject("size {} of {}: 1 to {}", points, in.to_string(), kLargestSize);
  }
  std::vector<std::int64_t> extents(in.extents().begin(), in.extents().end());
  extents[along] = onesided && !inverse ? points / 2 + 1 : points;
  extents.back() = to_real ? 1 : 2;
  return {{Shape(extents), inputs.type(0)}};
}

ValueTypes Stft::infer(const Inputs& inputs) const {
  inputs.expect_floating();
  const Shape& in = inputs.shape(signal);
  if (in.rank() != 3 || (in[2] != 1 && in[2] != 2)) reject("signal {}", in.to_string());
  if (onesided && in[2] == 2) reject("{}: onesided stands for a real signal", in.to_string());
  if (frame < 1 || hop < 1 || frame > in[1] || frame > kLargestSize) {
    reject("frames of {}, {} apart, of {}", frame, hop, in.to_string());
  }
  inputs.expect_shape(window, {frame}, "window");
  const std::int64_t bins = onesided ? frame / 2 + 1 : frame;
  return {{{in[0], (in[1] - frame) / hop + 1, bins, 2}, inputs.type(signal)}};
}

}  // namespace metalaudio::nn
