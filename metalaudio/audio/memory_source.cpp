#include <metalaudio/audio/memory_source.h>

#include <utility>

namespace metalaudio::audio {

MemorySource::MemorySource(AudioBuffer samples, int sample_rate_hz)
    : samples_(std::move(samples)), view_(samples_.view(), sample_rate_hz) {}

}  // namespace metalaudio::audio
