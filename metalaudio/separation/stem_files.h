#pragma once

#include <metalaudio/audio/audio_source.h>
#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/dsp/loudness_meter.h>
#include <metalaudio/separation/output_levels.h>
#include <metalaudio/separation/stem_plan.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace metalaudio::separation {

class StemLane;

struct StemFileOptions {
  /// Its sample rate is that of the files; to its tags, if there are any, each file adds the name
  /// of its output as the subtitle.
  audio::AudioWriterOptions writer;
  /// That the files are cut to, or filled up to; none: as it comes.
  std::optional<std::int64_t> length_frames = std::nullopt;
  int model_rate_hz = 44100;  ///< of the blocks
  ClipMode clip_mode = ClipMode::rescale;
  bool common_gain = false;
  bool keep_samples = false;  ///< for samples(), whatever the clip mode
  /// All outputs in one file, whose channels are those of one output after the other; they are
  /// turned down alike.
  bool together = false;
  /// In place of the clip mode: all outputs are multiplied by this, and limited to a true peak of
  /// -1 dB, of their sum as well, by one gain curve for all, so that they still add up.
  std::optional<float> normalize_gain = std::nullopt;
  bool measure_loudness = false;  ///< of the outputs as they are written
  /// Of the samples of all outputs that are kept; more lie in temporary files.
  std::size_t memory_bytes = std::size_t{1} << 30U;
  /// Works on the outputs side by side; null: one after the other.
  ThreadPool* pool = nullptr;
};

/// The files of one track: mixes the model's sources into the outputs of a plan, brings them to the
/// files' sample rate and length, and keeps them from clipping. Under rescale the gain follows from
/// the peak of all samples: they are kept, in temporary files where they are many, and files are
/// written meanwhile as if nothing had to be turned down; one that has is written again.
/// Errors:   as audio::AudioWriter and audio::TemporaryAudio.
/// Threads:  one instance per thread; nothing else uses the pool meanwhile.
class StemFiles {
 public:
  /// One path for each output, or one for all of them together, whose ending, where it is one of ours, chooses the type. The files
  /// are begun, so that a folder that cannot be written to shows now; they appear in commit(), and
  /// without it never.
  StemFiles(const StemPlan& plan, const std::vector<std::filesystem::path>& paths,
            const StemFileOptions& options);
  ~StemFiles();

  /// The next block: the mix, and the model's sources in its order; those that the plan does not
  /// need may be anything.
  void write(ConstAudioView mix, std::span<const ConstAudioView> sources);
  /// After the last block. `progress` is given the fraction that is done; what it throws ends this.
  void finish(const std::function<void(double)>& progress);
  void commit();

  /// What each output was multiplied by, the limiter's gain aside; known after finish().
  const std::vector<float>& gains() const noexcept { return gains_; }
  /// The limiter's least gain; 1 without one.
  float limiter_gain() const noexcept { return limiter_gain_; }
  /// Of each output; empty unless it was to be measured.
  const std::vector<dsp::Loudness>& loudness() const noexcept { return loudness_; }
  /// An output's samples before that, complete after finish(); needs keep_samples.
  const audio::AudioSource& samples(std::size_t output) const;

 private:
  void for_each_lane(const std::function<void(StemLane&, std::size_t)>& work);
  void write_left(const std::function<void(double)>& progress);
  void write_held(const std::function<void(double)>& progress);

  std::vector<std::unique_ptr<StemLane>> lanes_;
  std::optional<audio::AudioWriter> together_;
  StemFileOptions options_;
  std::vector<float> gains_;
  std::vector<dsp::Loudness> loudness_;
  float limiter_gain_ = 1.0F;
};

}  // namespace metalaudio::separation
