#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

/// torch.cumsum along one axis, or torch.cumprod; exclusive leaves the value itself out, reverse
/// begins at the end.
struct CumSum {
  static constexpr std::string_view kName = "cum_sum";
  static constexpr std::array kInputs{Role::data};

  std::int64_t axis = -1;
  bool exclusive = false;
  bool reverse = false;
  bool product = false;

  ValueTypes infer(const Inputs& inputs) const;
};

/// torch.topk: the k greatest or least along one axis, and their indices (i64). Of equal values the
/// lower index comes first; unsorted ones come in any order (here: sorted as well).
struct TopK {
  static constexpr std::string_view kName = "top_k";
  static constexpr std::array kInputs{Role::data};
  enum Result { values, indices };

  std::int64_t axis = -1;
  std::int64_t k = 1;
  bool largest = true;
  bool sorted = true;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
