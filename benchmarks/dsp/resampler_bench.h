#pragma once

#include <nlohmann/json.hpp>

namespace metalaudio::bench {

/// Streaming resampling in blocks of 64, beside soxr, zita-resampler and libsamplerate; appends
/// rows.
void bench_resampler(nlohmann::json& rows);

}  // namespace metalaudio::bench
