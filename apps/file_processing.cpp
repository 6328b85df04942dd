#include "apps/file_processing.h"

#include <fmt/format.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "apps/console.h"
#include "apps/failure_text.h"
#include "apps/interrupt.h"
#include "apps/progress_board.h"
#include "apps/stem_files.h"

namespace metalaudio::apps {
namespace {

constexpr std::size_t kBlockFrames = 16384;
/// Levels are known only after the last block, and writing takes the rest of the time.
constexpr double kProcessingShare = 0.8;

template <typename Sample>
std::vector<Sample*> pointers_of(AudioBuffer& buffer) {
  std::vector<Sample*> pointers;
  for (std::size_t channel = 0; channel < buffer.channels(); ++channel)
    pointers.push_back(buffer.channel(channel).data());
  return pointers;
}

/// The options choose the type; where none does, the name's ending.
OutputFormat chosen_format(const FileProcessingOptions& options) {
  OutputFormat format = options.format;
  const auto by_name = audio::file_type_of(options.out);
  if (!by_name) return format;
  const std::string ending(audio::extension_of(*by_name));
  const bool chosen = format.flac || format.mp3;
  if (!chosen) {
    format.flac = by_name == audio::FileType::flac;
    format.mp3 = by_name == audio::FileType::mp3;
  }
  if (format.extension() != ending)
    fail(ErrorCode::invalid_argument, "-o {}: named as {}, but --{} was given",
         options.out.string(), ending, format.extension());
  if (format.float32 && ending != "wav")
    fail(ErrorCode::invalid_argument, "-o {}: --float32 is for WAV alone", options.out.string());
  return format;
}

StemFileOptions file_options(const audio::AudioFormat& in, const FileProcessing& processing,
                             const FileProcessingOptions& options) {
  StemFileOptions result;
  result.writer = writer_options(chosen_format(options));
  result.writer.sample_rate_hz = in.sample_rate_hz;
  result.writer.channels = processing.out_channels;
  if (in.channels == processing.out_channels) result.writer.channel_mask = in.channel_mask;
  result.model_rate_hz = in.sample_rate_hz;
  result.clip_mode = options.clip_mode;
  return result;
}

/// Reads, processes and hands on; after the end as much silence as the tail is long.
class Stream {
 public:
  Stream(audio::AudioReader& reader, const FileProcessing& processing, StemFiles& files)
      : processing_(processing),
        files_(files),
        reader_(reader),
        in_(reader.format().channels, kBlockFrames),
        out_(processing.out_channels, kBlockFrames),
        in_pointers_(pointers_of<const float>(in_)),
        out_pointers_(pointers_of<float>(out_)),
        lead_left_(processing.lead_frames) {}

  /// Returns the frames that were read.
  std::int64_t run(const std::function<void(std::int64_t)>& progress) {
    std::int64_t frames = 0;
    while (const std::size_t got = reader_.read(in_)) {
      pass(got);
      frames += static_cast<std::int64_t>(got);
      progress(frames);
    }
    for (std::size_t channel = 0; channel < in_.channels(); ++channel)
      std::ranges::fill(in_.channel(channel), 0.0F);
    for (std::int64_t left = processing_.tail_frames; left > 0;) {
      const auto count = std::min<std::int64_t>(left, kBlockFrames);
      pass(static_cast<std::size_t>(count));
      left -= count;
      progress(frames);
    }
    return frames;
  }

 private:
  void pass(std::size_t frames) {
    processing_.process(in_pointers_, out_pointers_, frames);
    const std::size_t dropped = std::min(frames, lead_left_);
    lead_left_ -= dropped;
    files_.write(audio::AudioView(out_).part(dropped, frames - dropped), {});
  }

  const FileProcessing& processing_;
  StemFiles& files_;
  audio::AudioReader& reader_;
  AudioBuffer in_;
  AudioBuffer out_;
  std::vector<const float*> in_pointers_;
  std::vector<float*> out_pointers_;
  std::size_t lead_left_;
};

}  // namespace

void add_file_processing_options(CLI::App& command, FileProcessingOptions& options) {
  command.add_option("IN", options.in, "Audio file of any rate and number of channels")->required();
  command
      .add_option("-o,--out", options.out,
                  "File to write; its ending chooses WAV, FLAC or MP3 unless an option does")
      ->required();
  const std::map<std::string, ClipMode> modes{
      {"rescale", ClipMode::rescale}, {"clamp", ClipMode::clamp}, {"none", ClipMode::none}};
  command
      .add_option_function<std::string>(
          "--clip-mode",
          [&options, modes](const std::string& name) { options.clip_mode = modes.at(name); },
          "Against clipping: turn the whole file down, limit its samples, or nothing")
      ->check(CLI::IsMember({"rescale", "clamp", "none"}))
      ->type_name("rescale|clamp|none")
      ->default_str("rescale");
  add_output_format_options(command, options.format);
  command.add_flag("--allow-truncated", options.allow_truncated,
                   "Take a file that ends early as far as it goes, with a warning");
}

void process_file(audio::AudioReader& reader, const FileProcessing& processing,
                  const FileProcessingOptions& options) {
  const audio::AudioFormat& format = reader.format();
  const double expected = static_cast<double>(format.frames.value_or(0));
  const auto start = std::chrono::steady_clock::now();
  Console console;
  ProgressBoard board(console, 1);
  board.begin(0, options.in.filename().string(), expected / format.sample_rate_hz);

  StemPlan plan;
  plan.outputs.push_back({.name = "", .mix_weight = 1.0F, .source_weights = {}});
  StemFileOptions writing = file_options(format, processing, options);
  if (format.frames) writing.writer.expected_frames = *format.frames + processing.tail_frames;
  writing.writer.may_be_long = !format.frames;
  StemFiles files(plan, {options.out}, writing);
  const std::int64_t frames = Stream(reader, processing, files).run([&](std::int64_t done) {
    throw_if_interrupted();
    const double part = expected > 0.0 ? std::min(1.0, static_cast<double>(done) / expected) : 0.0;
    board.update(0, kProcessingShare * part);
  });
  if (frames == 0)
    fail(ErrorCode::invalid_data, "{}: not a single frame of audio", options.in.string());
  files.finish([&](double part) {
    throw_if_interrupted();
    board.update(0, kProcessingShare + (1.0 - kProcessingShare) * part);
  });
  files.commit();
  board.end(0);
  for (const std::string& warning : reader.warnings())
    console.line(failure_text(options.in.string(), "warning: " + warning));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  const double seconds = static_cast<double>(frames) / format.sample_rate_hz;
  console.line(fmt::format("{}: {:.1f} s, {:.0f} x real time", options.out.string(), taken.count(),
                           seconds / taken.count()));
}

}  // namespace metalaudio::apps
