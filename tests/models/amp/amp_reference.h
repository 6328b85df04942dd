#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <vector>

namespace metalaudio::models {

using Signals = std::vector<std::vector<double>>;  ///< [channel][frame]

/// A WaveNet, ConvNet, LSTM or Linear .nam file over a whole signal from silence, in double and
/// loop by loop as the format describes it.
Signals nam_reference(const nlohmann::json& file, const Signals& x);

}  // namespace metalaudio::models
