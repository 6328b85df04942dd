#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

/// How the moments are summed. kahan and welford are the original's other two forms.
enum class MomentsAlgorithm { standard, kahan, welford };

/// torch.nn.GroupNorm: the moments of a group of channels over the last `axes` axes before them;
/// InstanceNorm has as many groups as channels. gamma and beta may be absent (1 and 0).
/// Shapes:   x[batch…][axes…][channels], gamma[channels], beta[channels] -> as x.
struct GroupNorm {
  static constexpr std::string_view kName = "group_norm";
  static constexpr std::array kInputs{Role::data, Role::optional_weight, Role::optional_weight};
  enum Index { x, gamma, beta };

  std::int64_t groups = 1;
  std::size_t axes = 1;
  float epsilon = 1e-5F;
  MomentsAlgorithm algorithm = MomentsAlgorithm::standard;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
