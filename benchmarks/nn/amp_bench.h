#pragma once

#include <nlohmann/json.hpp>

namespace metalaudio::bench {

/// The neural amps, block 64: appends a row for each.
void bench_amps(nlohmann::json& rows);

}  // namespace metalaudio::bench
