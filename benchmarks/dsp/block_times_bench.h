#pragma once

#include <nlohmann/json.hpp>

namespace metalaudio::bench {

/// How long a block of 64 takes in every streaming class: median, 99.9th percentile and worst of
/// 100,000, beside those of an empty loop, which are the machine's own; appends rows.
void bench_block_times(nlohmann::json& rows);

}  // namespace metalaudio::bench
