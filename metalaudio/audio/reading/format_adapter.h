#pragma once

#include <metalaudio/audio/audio_format.h>
#include <metalaudio/audio/reading/audio_decoder.h>
#include <metalaudio/audio/resampler.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace metalaudio::audio {

/// Brings blocks whose format changes on the way to one: one channel is copied to all, to one goes
/// the mean of all, otherwise the first channels stay and missing ones are silent.
/// Threads:  one instance per thread.
class FormatAdapter {
 public:
  explicit FormatAdapter(const AudioFormat& format) : format_(format) {}

  /// Appends what is ready, interleaved, to `out`.
  void add(const DecodedBlock& block, std::vector<float>& out);
  /// What resampling still held back.
  void flush(std::vector<float>& out);

 private:
  void append(ConstAudioView view, std::vector<float>& out) const;

  AudioFormat format_;
  std::optional<Resampler> resampler_;  // of a part that has another rate
  int part_rate_hz_ = 0;
};

}  // namespace metalaudio::audio
