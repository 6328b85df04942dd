#pragma once

#include <metalaudio/core/audio_view.h>

#include <cstdint>

namespace metalaudio::audio {

/// Mean and deviation of the mean of all channels, block by block, as HTDemucs is normalised by:
/// ref = wav.mean(0); ref.mean(), ref.std(). In double precision, each block about its own mean.
/// Threads:  one instance per thread.
class MonoStatistics {
 public:
  void add(ConstAudioView block) { join(of(block)); }
  /// Of one block alone.
  static MonoStatistics of(ConstAudioView block);
  /// Those of the blocks behind these; the same bits as to add them one by one where `next` is of one.
  void join(const MonoStatistics& next) noexcept;

  double mean() const noexcept { return mean_; }
  /// Divides by the count less one, as torch does; 0 below two frames.
  double deviation() const noexcept;

 private:
  std::int64_t count_ = 0;
  double mean_ = 0.0;
  double squares_ = 0.0;  // the sum of squared differences from mean_
};

}  // namespace metalaudio::audio
