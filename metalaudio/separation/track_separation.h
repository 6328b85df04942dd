#pragma once

#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/separation/output_levels.h>
#include <metalaudio/separation/separation_options.h>
#include <metalaudio/separation/separator.h>
#include <metalaudio/separation/stem_files.h>
#include <metalaudio/separation/stem_plan.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace metalaudio::separation {

/// How one track becomes files.
struct TrackSeparationOptions {
  SeparationOptions separation;  ///< its stems are those that the plan needs, whatever it says
  bool downmix = false;          ///< as audio::TrackOptions
  bool allow_truncated = false;
  audio::AudioWriterOptions writer;  ///< rate, channels, length and tags are the track's
  bool tags = true;                  ///< files carry the track's tags and pictures
  bool keep_rate = false;            ///< write at the rate of the input, not of the model
  ClipMode clip_mode = ClipMode::rescale;
  bool common_gain = false;  ///< turn all stems down alike, so that they still add up to the mix
  bool together = false;     ///< all outputs in one file; see StemFileOptions
  /// Bring the mix to this loudness, and the stems with it by the same gain and a limiter for all;
  /// in place of the clip mode. A mix without loudness stays as it is, with a warning.
  std::optional<double> normalize_lufs = std::nullopt;
  bool loudness = false;       ///< measure the mix and the outputs
  bool exact_sum = false;      ///< spread what the stems miss the mix by over them; see ExactSum
  ThreadPool* pool = nullptr;  ///< as StemFileOptions
  /// What the track may take in memory, and its stems together; beyond, they lie in temporary files,
  /// which the system keeps in memory where there is some.
  std::size_t memory_bytes = std::size_t{4} << 20U;
  /// Called before the files appear; stems.samples() are whole then. What it throws ends this.
  std::function<void(const audio::AudioSource& mix, const StemFiles& stems)> inspect = {};
};

/// A separator that may be made while its track is read.
struct ComingSeparator {
  int sample_rate_hz = 0;
  std::size_t channels = 0;
  /// Called once, on another thread; the separator outlives the call that it is for.
  std::function<Separator&()> load = {};
};

/// What became of it.
struct TrackReport {
  double audio_seconds = 0.0;
  double seconds = 0.0;
  int sample_rate_hz = 0;  ///< of the stems
  std::size_t channels = 0;
  std::vector<float> gains;                     ///< of the outputs, the limiter's aside
  std::vector<std::string> warnings;            ///< about the input
  float limiter_gain = 1.0F;                    ///< its least; 1 without one
  std::optional<dsp::Loudness> mix_loudness{};  ///< of the track as it was read
  std::vector<dsp::Loudness> loudness{};        ///< of the outputs, as written
};

/// How a caller follows it, and ends it. What any of the functions throws ends it too.
struct TrackControl {
  std::function<void(const char* activity, double fraction)> other_work = {};  ///< reading, writing
  std::function<void(double audio_seconds)> begin = {};
  std::function<void(double fraction)> update = {};
  std::stop_token stop = {};
};

/// Reads a track, separates it and writes its stems, one file for each output of the plan or
/// one for all, with the folders that they need; they appear all together at the end.
/// Errors:   throws Error, Error{cancelled} after a request to stop; then nothing of the outputs
///           stays.
/// Threads:  one call for each Separator at a time. It gets ready on a thread of its own while the
///           track is read; the control's functions are called on this one.
TrackReport separate_track(const std::filesystem::path& input,
                           const std::vector<std::filesystem::path>& outputs, const StemPlan& plan,
                           const TrackSeparationOptions& options, const ComingSeparator& coming,
                           const TrackControl& control = {});
/// The same with one that is there.
TrackReport separate_track(const std::filesystem::path& input,
                           const std::vector<std::filesystem::path>& outputs, const StemPlan& plan,
                           const TrackSeparationOptions& options, Separator& separator,
                           const TrackControl& control = {});

}  // namespace metalaudio::separation
