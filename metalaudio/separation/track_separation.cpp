#include <metalaudio/audio/audio_reader.h>
#include <metalaudio/audio/tags.h>
#include <metalaudio/audio/track_source.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/exact_sum.h>
#include <metalaudio/separation/output_folders.h>
#include <metalaudio/separation/track_separation.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <future>
#include <optional>
#include <utility>

namespace metalaudio::separation {
namespace {

using Clock = std::chrono::steady_clock;

void throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) fail(ErrorCode::cancelled, "[separate_track] cancelled");
}

void tell(const TrackControl& control, const char* activity, double fraction) {
  throw_if_stopped(control.stop);
  if (control.other_work) control.other_work(activity, fraction);
}

audio::TrackSource read_track(const std::filesystem::path& input,
                              const TrackSeparationOptions& choice, const ComingSeparator& coming,
                              const TrackControl& control) {
  audio::TrackOptions options;
  options.sample_rate_hz = coming.sample_rate_hz;
  options.channels = coming.channels;
  options.downmix = choice.downmix;
  options.allow_truncated = choice.allow_truncated;
  options.memory_limit_bytes = std::min(options.memory_limit_bytes, choice.memory_bytes);
  options.progress = [&](double fraction) { tell(control, "reading", fraction); };
  return audio::TrackSource(input, options);
}

StemFileOptions file_options(const TrackSeparationOptions& options,
                             const audio::TrackSource& track) {
  StemFileOptions result;
  result.writer = options.writer;
  result.writer.sample_rate_hz = track.sample_rate_hz();
  result.writer.expected_frames = track.frames();
  if (options.keep_rate) {
    result.writer.sample_rate_hz = track.file_format().sample_rate_hz;
    result.writer.expected_frames = track.file_format().frames;
  }
  result.length_frames = result.writer.expected_frames;
  result.writer.channels = track.channels();
  result.model_rate_hz = track.sample_rate_hz();
  result.clip_mode = options.clip_mode;
  result.common_gain = options.common_gain;
  result.together = options.together;
  result.measure_loudness = options.loudness;
  result.keep_samples = options.inspect != nullptr;
  result.pool = options.pool;
  result.memory_bytes = options.memory_bytes;
  return result;
}

dsp::Loudness loudness_of(const audio::AudioSource& sound, const TrackControl& control) {
  constexpr std::int64_t kBlock = 1 << 16;
  dsp::LoudnessMeter meter(sound.sample_rate_hz(), sound.channels());
  AudioBuffer block(sound.channels(), kBlock);
  for (std::int64_t first = 0; first < sound.frames(); first += kBlock) {
    tell(control, "measuring", static_cast<double>(first) / static_cast<double>(sound.frames()));
    const auto count = static_cast<std::size_t>(std::min(sound.frames() - first, kBlock));
    sound.read(first, block.view().part(0, count));
    meter.process(block.view().part(0, count));
  }
  return meter.finish();
}

/// 1, with a warning, for a mix without loudness.
float gain_to(double lufs, const dsp::Loudness& mix, std::vector<std::string>& warnings) {
  if (std::isfinite(mix.integrated_lufs))
    return static_cast<float>(std::pow(10.0, (lufs - mix.integrated_lufs) / 20.0));
  warnings.emplace_back("too quiet or too short for a loudness: not normalised");
  return 1.0F;
}

SeparationOptions with_stems(SeparationOptions options, const StemPlan& plan,
                             const std::vector<std::string>& sources) {
  options.stems.clear();
  for (const std::size_t index : plan.needed_sources) options.stems.push_back(sources[index]);
  return options;
}

/// Makes it ready for a track of about this length. What is wrong with the track, or with the options
/// for it, shows when it is read and separated.
Separator& get_ready(const std::filesystem::path& input, const ComingSeparator& coming,
                     const StemPlan& plan, const SeparationOptions& options) {
  Separator& separator = coming.load();
  try {
    const audio::AudioFormat format = audio::AudioReader(input).format();
    if (format.frames)
      separator.prepare(*format.frames * separator.sample_rate_hz() / format.sample_rate_hz,
                        with_stems(options, plan, separator.sources()));
  } catch (const Error&) {
  }
  return separator;
}

/// Passes the separator's blocks, and the mix beside them, on to the files.
class BlockSink {
 public:
  BlockSink(const audio::TrackSource& track, const StemPlan& plan, std::size_t sources,
            bool exact_sum, StemFiles& files)
      : track_(track), plan_(plan), sources_(sources), files_(files) {
    if (exact_sum)
      exact_sum_.emplace(sources, track.channels(),
                         [&files](ConstAudioView mix, std::span<const ConstAudioView> corrected) {
                           files.write(mix, corrected);
                         });
  }

  void operator()(std::int64_t first_frame, std::span<const AudioBuffer> stems) {
    const AudioBuffer mix = read_mix(first_frame, stems[0].frames());
    std::vector<ConstAudioView> sources(sources_, ConstAudioView(mix));
    for (std::size_t i = 0; i < stems.size(); ++i) sources[plan_.needed_sources[i]] = stems[i];
    if (exact_sum_)
      exact_sum_->push(mix, sources);
    else
      files_.write(mix, sources);
  }

  void finish() {
    if (exact_sum_) exact_sum_->finish();
  }

 private:
  AudioBuffer read_mix(std::int64_t first_frame, std::size_t frames) const {
    AudioBuffer mix(track_.channels(), frames);
    if (!plan_.needs_mix && !exact_sum_) return mix;
    track_.read(first_frame, mix);
    return mix;
  }

  const audio::TrackSource& track_;
  const StemPlan& plan_;
  std::size_t sources_;
  StemFiles& files_;
  std::optional<ExactSum> exact_sum_;
};

}  // namespace

TrackReport separate_track(const std::filesystem::path& input,
                           const std::vector<std::filesystem::path>& outputs, const StemPlan& plan,
                           const TrackSeparationOptions& options, Separator& separator,
                           const TrackControl& control) {
  return separate_track(
      input, outputs, plan, options,
      {separator.sample_rate_hz(), separator.channels(), [&]() -> Separator& { return separator; }},
      control);
}

TrackReport separate_track(const std::filesystem::path& input,
                           const std::vector<std::filesystem::path>& outputs, const StemPlan& plan,
                           const TrackSeparationOptions& options, const ComingSeparator& coming,
                           const TrackControl& control) {
  const Clock::time_point start = Clock::now();
  if (outputs.size() != (options.together ? 1 : plan.outputs.size()))
    fail(ErrorCode::invalid_argument, "[separate_track] {} names for {} outputs", outputs.size(),
         plan.outputs.size());
  std::future<Separator&> ready = std::async(std::launch::async, [&]() -> Separator& {
    return get_ready(input, coming, plan, options.separation);
  });
  const audio::TrackSource track = read_track(input, options, coming, control);
  OutputFolders folders;
  for (const std::filesystem::path& output : outputs) folders.make_for(output);
  StemFileOptions format = file_options(options, track);
  std::vector<std::string> warnings = track.warnings();
  if (options.tags) format.writer.tags = audio::read_tags(input, warnings);
  std::optional<dsp::Loudness> mix_loudness;
  if (options.loudness || options.normalize_lufs) mix_loudness = loudness_of(track, control);
  if (options.normalize_lufs)
    format.normalize_gain = gain_to(*options.normalize_lufs, *mix_loudness, warnings);
  StemFiles files(plan, outputs, format);

  Separator& separator = ready.get();
  const double audio_seconds =
      static_cast<double>(track.frames()) / static_cast<double>(track.sample_rate_hz());
  if (control.begin) control.begin(audio_seconds);
  const auto progress = [&](std::size_t done, std::size_t total) {
    if (control.update) control.update(static_cast<double>(done) / static_cast<double>(total));
  };
  if (options.exact_sum && plan.needed_sources.size() != separator.sources().size())
    fail(ErrorCode::invalid_argument, "[separate_track] an exact sum needs all {} sources, not {}",
         separator.sources().size(), plan.needed_sources.size());
  BlockSink sink(track, plan, separator.sources().size(), options.exact_sum, files);
  separator.separate(track, with_stems(options.separation, plan, separator.sources()),
                     std::ref(sink), {progress, control.stop});
  sink.finish();

  files.finish([&](double fraction) { tell(control, "writing", fraction); });
  if (options.inspect) options.inspect(track, files);
  throw_if_stopped(control.stop);
  files.commit();
  folders.keep();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  TrackReport report{audio_seconds,    seconds,       format.writer.sample_rate_hz,
                     track.channels(), files.gains(), std::move(warnings)};
  report.limiter_gain = files.limiter_gain();
  report.loudness = files.loudness();
  if (options.loudness) report.mix_loudness = mix_loudness;
  return report;
}

}  // namespace metalaudio::separation
