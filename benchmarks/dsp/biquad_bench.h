#pragma once

#include <nlohmann/json.hpp>

namespace metalaudio::bench {

/// Eight biquad sections on one and on many channels, beside the usual loop; appends rows with
/// nanoseconds per sample and channel.
void bench_biquads(nlohmann::json& rows);

}  // namespace metalaudio::bench
