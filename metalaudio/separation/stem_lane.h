#pragma once

#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/audio/resampler.h>
#include <metalaudio/audio/temporary_audio.h>
#include <metalaudio/dsp/loudness_meter.h>
#include <metalaudio/separation/stem_files.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

namespace metalaudio::separation {

/// One output on its way from the model to its file: mixed, resampled, brought to its length, kept
/// where its gain is known last, and measured as it is written.
/// Errors:   as StemFiles.
/// Threads:  one instance per thread.
class StemLane {
 public:
  /// What is held is written by write_levelled() alone. Without a path it has no file of its own.
  StemLane(const StemOutput& output, const std::filesystem::path& path,
           const StemFileOptions& options, bool held, std::size_t memory_bytes);

  void write(ConstAudioView mix, std::span<const ConstAudioView> sources);
  /// What the resampler holds back, and silence where its rounding left the length short.
  void end_stream();

  /// Whether this is the mix itself, which lies beside what adds up to it.
  bool is_mix() const noexcept;
  float peak() const noexcept { return peak_; }
  std::int64_t frames() const noexcept { return taken_; }
  const audio::AudioSource& samples() const { return *kept_; }

  /// Begins the file again where it was not written at that gain.
  void set_gain(float gain);
  /// How many frames are left to write.
  std::int64_t left() const noexcept { return taken_ - written_; }
  /// Writes as many more at most.
  void write_left(std::int64_t most);
  /// The next samples as they are to be, into the file where there is one.
  void write_levelled(ConstAudioView block);

  void finish();
  void commit();
  /// Of what was written; needs measure_loudness.
  const dsp::Loudness& loudness() const { return *loudness_; }

 private:
  const ConstAudioView* only_source(std::span<const ConstAudioView> sources) const;
  void take(ConstAudioView view);
  void begin_file();

  StemOutput output_;
  std::filesystem::path path_;
  audio::AudioWriterOptions options_;
  ClipMode clip_mode_;
  bool held_;
  std::optional<std::int64_t> length_;
  audio::Resampler resampler_;
  std::optional<audio::AudioWriter> writer_;
  std::optional<audio::TemporaryAudio> kept_;
  std::optional<dsp::LoudnessMeter> meter_;
  std::optional<dsp::Loudness> loudness_;
  std::int64_t taken_ = 0;
  std::int64_t written_ = 0;
  float peak_ = 0.0F;
  float gain_ = 1.0F;
};

}  // namespace metalaudio::separation
