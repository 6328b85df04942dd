#include "apps/track_separation.h"

#include <metalaudio/audio/track_source.h>
#include <metalaudio/core/error.h>

#include <chrono>
#include <stop_token>

#include "apps/interrupt.h"
#include "apps/output_folders.h"
#include "apps/spectrogram_picture.h"
#include "apps/stem_files.h"

namespace metalaudio::apps {
namespace {

using Clock = std::chrono::steady_clock;

audio::TrackSource read_track(const TrackJob& job, const SeparateOptions& choice,
                              const separation::Separator& separator,
                              const TrackProgress& progress) {
  audio::TrackOptions options;
  options.sample_rate_hz = separator.sample_rate_hz();
  options.channels = separator.channels();
  options.downmix = choice.downmix;
  options.allow_truncated = choice.allow_truncated;
  options.progress = [&](double fraction) {
    throw_if_interrupted();
    progress.other_work("reading", fraction);
  };
  return audio::TrackSource(job.input, options);
}

StemFileOptions file_options(const TrackJob& job, const SeparateOptions& options,
                             const audio::TrackSource& track) {
  StemFileOptions result;
  result.writer = writer_options(options.format);
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
  result.common_gain = options.sum_safe;
  result.keep_samples = !job.picture.empty();
  return result;
}

separation::SeparationOptions separation_options(const SeparateOptions& options,
                                                 const StemPlan& plan,
                                                 const std::vector<std::string>& sources) {
  separation::SeparationOptions result;
  result.shifts = options.shifts;
  result.seed = options.seed;
  result.shift_offsets = options.shift_offsets;
  result.split = options.split;
  result.overlap = options.overlap;
  result.segment_seconds = options.segment_seconds;
  for (const std::size_t index : plan.needed_sources) result.stems.push_back(sources[index]);
  return result;
}

/// Passes the separator's blocks, and the mix beside them, on to the files.
class BlockSink {
 public:
  BlockSink(const audio::TrackSource& track, const StemPlan& plan, std::size_t sources,
            StemFiles& files)
      : track_(track), plan_(plan), sources_(sources), files_(files) {}

  void operator()(std::int64_t first_frame, std::span<const AudioBuffer> stems) {
    throw_if_interrupted();
    const AudioBuffer mix = read_mix(first_frame, stems[0].frames());
    std::vector<ConstAudioView> sources(sources_, ConstAudioView(mix));
    for (std::size_t i = 0; i < stems.size(); ++i) sources[plan_.needed_sources[i]] = stems[i];
    files_.write(mix, sources);
  }

 private:
  AudioBuffer read_mix(std::int64_t first_frame, std::size_t frames) const {
    AudioBuffer mix(track_.channels(), frames);
    if (!plan_.needs_mix) return mix;
    track_.read(first_frame, mix);
    return mix;
  }

  const audio::TrackSource& track_;
  const StemPlan& plan_;
  std::size_t sources_;
  StemFiles& files_;
};

void draw_picture(const TrackJob& job, const StemPlan& plan, const audio::TrackSource& track,
                  const StemFiles& files) {
  std::vector<SpectrogramPanel> panels = {{"mix", &track}};
  for (std::size_t i = 0; i < plan.outputs.size(); ++i)
    panels.push_back({plan.outputs[i].name, &files.samples(i)});
  draw_spectrograms(panels, job.picture);
}

}  // namespace

TrackReport separate_track(const TrackJob& job, const StemPlan& plan,
                           const SeparateOptions& options, separation::Separator& separator,
                           const TrackProgress& progress) {
  const Clock::time_point start = Clock::now();
  const audio::TrackSource track = read_track(job, options, separator, progress);
  OutputFolders folders;
  for (const std::filesystem::path& output : job.outputs) folders.make_for(output);
  if (!job.picture.empty()) folders.make_for(job.picture);
  const StemFileOptions format = file_options(job, options, track);
  StemFiles files(plan, job.outputs, format);

  const double audio_seconds =
      static_cast<double>(track.frames()) / static_cast<double>(track.sample_rate_hz());
  progress.begin(audio_seconds);
  std::stop_source stop;
  const separation::SeparationControl control{
      [&](std::size_t done, std::size_t total) {
        if (interrupt_signal() != 0) stop.request_stop();
        progress.update(static_cast<double>(done) / static_cast<double>(total));
      },
      stop.get_token()};
  separator.separate(track, separation_options(options, plan, separator.sources()),
                     BlockSink(track, plan, separator.sources().size(), files), control);

  files.finish([&](double fraction) {
    throw_if_interrupted();
    progress.other_work("writing", fraction);
  });
  if (!job.picture.empty()) draw_picture(job, plan, track, files);
  throw_if_interrupted();
  files.commit();
  folders.keep();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return {audio_seconds,    seconds,       format.writer.sample_rate_hz,
          track.channels(), files.gains(), track.warnings()};
}

}  // namespace metalaudio::apps
