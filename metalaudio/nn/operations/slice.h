#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// x[start : start + step · extent : step] along every axis; a negative step goes backwards.
struct Slice {
  static constexpr std::string_view kName = "slice";
  static constexpr std::array kInputs{Role::data};

  std::vector<std::int64_t> starts = {};
  Shape shape = {};                      ///< of the result
  std::vector<std::int64_t> steps = {};  ///< empty: all 1

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn
