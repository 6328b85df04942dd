#include <metalaudio/audio/reading/read_log.h>
#include <metalaudio/core/error.h>

#include <algorithm>

namespace metalaudio::audio {

void ReadLog::warn(const std::string& text) {
  if (std::ranges::find(warnings_, text) == warnings_.end()) warnings_.push_back(text);
}

void ReadLog::ends_early(const std::string& text) {
  if (!allow_truncated_)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: truncated: {}", file(), text);
  // One sign of it is enough.
  if (!ended_early_) warn("truncated: " + text);
  ended_early_ = true;
}

}  // namespace metalaudio::audio
