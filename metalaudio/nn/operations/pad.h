#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// What stands beyond the ends: a constant; the mirror image without or with the edge sample
/// repeated; the edge sample; or the other end.
enum class PadMode { constant, reflect, symmetric, edge, wrap };

/// torch.nn.functional.pad. Negative widths cut.
struct Pad {
  static constexpr std::string_view kName = "pad";
  static constexpr std::array kInputs{Role::data};

  std::vector<std::int64_t> before = {};
  std::vector<std::int64_t> after = {};
  PadMode mode = PadMode::constant;
  double value = 0;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
