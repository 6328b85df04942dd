#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

/// Where epsilon guards the division: x · gamma / sqrt(mean(x²) + epsilon) is torch.nn.RMSNorm's
/// form; x · gamma · sqrt(n) / max(‖x‖, epsilon) is the RoFormers' (F.normalize).
enum class RmsForm { mean_square, l2 };

/// Root-mean-square normalisation over the last `axes` axes; gamma has their extents and may be
/// absent.
struct RmsNorm {
  static constexpr std::string_view kName = "rms_norm";
  static constexpr std::array kInputs{Role::data, Role::optional_weight};
  enum Index { x, gamma };

  std::size_t axes = 1;
  RmsForm form = RmsForm::mean_square;
  float epsilon = 1e-5F;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
