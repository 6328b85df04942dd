#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>

namespace metalaudio::bench {

/// Mono convolution without added latency, back to back and paced like a sound card, beside
/// zita-convolver where it is there; appends a row.
void bench_convolution(double seconds, std::size_t block, bool paced, nlohmann::json& rows);

}  // namespace metalaudio::bench
