#include <metalaudio/nn/operations/pad.h>

namespace metalaudio::nn {

ValueTypes Pad::infer(const Inputs& inputs) const {
  const Shape& in = inputs.shape(0);
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (before.size() != in.rank() || after.size() != in.rank()) {
    reject("{} widths for {}", before.size(), in.to_string());
  }
  std::vector<std::int64_t> extents;
  for (std::size_t i = 0; i < in.rank(); ++i) {
    if (before[i] < -kMost || before[i] > kMost || after[i] < -kMost || after[i] > kMost) {
      reject("widths {} and {}", before[i], after[i]);
    }
    const std::int64_t extent = in[i] + before[i] + after[i];
    if (extent < 0) reject("{} cut by {} and {}", in.to_string(), before[i], after[i]);
    const bool adds = before[i] > 0 || after[i] > 0;
    if (adds && in[i] == 0 && mode != PadMode::constant) {
      reject("{}: nothing to repeat along axis {}", in.to_string(), i);
    }
    if (mode == PadMode::reflect && in[i] > 0 && (before[i] >= in[i] || after[i] >= in[i]) &&
        in[i] == 1 && adds) {
      reject("{}: one sample has no reflection", in.to_string());
    }
    extents.push_back(extent);
  }
  return {{Shape(extents), inputs.type(0)}};
}

}  // namespace metalaudio::nn
