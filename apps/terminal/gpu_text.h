#pragma once

#include <metalaudio/core/gpu_profile.h>

#include <string>
#include <utility>
#include <vector>

namespace metalaudio::apps {

/// What `info` says of the GPUs, as names and values; one row that says why where there is none.
std::vector<std::pair<std::string, std::string>> gpu_rows(const GpuSurvey& survey);

}  // namespace metalaudio::apps
