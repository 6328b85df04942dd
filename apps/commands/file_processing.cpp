#include "apps/commands/file_processing.h"

#include <fmt/format.h>
#include <metalaudio/audio/tags.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/run_files.h>
#include <metalaudio/separation/stem_files.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "apps/terminal/console.h"
#include "apps/terminal/failure_text.h"
#include "apps/terminal/figure_text.h"
#include "apps/terminal/interrupt.h"
#include "apps/terminal/progress_board.h"

namespace metalaudio::apps {
namespace {

constexpr std::size_t kBlockFrames = 16384;
/// Levels are known only after the last block, and writing takes the rest of the time.
constexpr double kProcessingShare = 0.8;

/// The name's ending chooses the type; an option may, where the name has none.
OutputFormat chosen_format(const FileProcessingOptions& options) {
  const auto refuse = [&](const std::string& reason) {
    fail(ErrorCode::invalid_argument, "-o {}: {}", options.out.string(), reason);
  };
  OutputFormat format = options.format;
  const bool chosen = format.chosen.has_value();
  const auto by_name = audio::file_type_of(options.out);
  if (by_name == audio::FileType::stem_m4a) refuse("a .stem.m4a comes from `metalaudio separate`");
  if (!by_name) {
    const bool by_option = chosen || format.int24 || format.float32;
    if (!by_option || options.out.has_extension())
      refuse(fmt::format("its name must end in {}", audio::kFileEndings));
  } else if (!chosen) {
    format.chosen = by_name;
  } else if (format.type() != *by_name) {
    refuse(fmt::format("named as {}, but --{} was given", audio::extension_of(*by_name),
                       format.extension()));
  }
  if (format.float32 && format.type() != audio::FileType::wav) refuse("--float32 is for WAV alone");
  const bool samples = format.type() == audio::FileType::wav ||
                       format.type() == audio::FileType::flac || format.alac;
  if (format.int24 && !samples) refuse("--int24 is for WAV, FLAC and ALAC alone");
  return format;
}

separation::StemFileOptions file_options(const audio::AudioFormat& in,
                                         const FileProcessing& processing,
                                         const FileProcessingOptions& options) {
  separation::StemFileOptions result;
  result.writer = writer_options(chosen_format(options));
  result.writer.sample_rate_hz = in.sample_rate_hz;
  result.writer.channels = processing.out_channels;
  if (in.channels == processing.out_channels) result.writer.channel_mask = in.channel_mask;
  result.model_rate_hz = in.sample_rate_hz;
  result.writer.rounding = options.dither ? audio::Rounding::dithered : audio::Rounding::nearest;
  if (options.dither && result.writer.sample_format == audio::SampleFormat::float32)
    fail(ErrorCode::invalid_argument, "-o {}: --dither is for 16 and 24 bits",
         options.out.string());
  result.clip_mode = options.clip_mode;
  return result;
}

/// What became of samples beyond full scale; empty where there were none.
std::string clipping_text(float peak, const separation::StemFileOptions& writing) {
  const bool floats = writing.writer.sample_format == audio::SampleFormat::float32 &&
                      writing.writer.type == audio::FileType::wav;
  if (peak <= 1.0F || floats || writing.clip_mode != separation::ClipMode::none) return "";
  return fmt::format(
      "its peak, {:.2f} dB over full scale, is cut off; --clip-mode rescale turns the file down",
      20.0F * std::log10(peak));
}

/// Reads, processes and hands on; after the end as much silence as the tail is long.
class Stream {
 public:
  Stream(audio::AudioReader& reader, const FileProcessing& processing, separation::StemFiles& files)
      : processing_(processing),
        files_(files),
        reader_(reader),
        in_(reader.format().channels, kBlockFrames),
        out_(processing.out_channels, kBlockFrames),
        lead_(processing.lead_frames) {}

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

  /// Of what was handed on.
  float peak() const { return peak_; }

 private:
  void pass(std::size_t frames) {
    processing_.process(in_.view().part(0, frames), out_.view().part(0, frames));
    const auto skipped =
        static_cast<std::size_t>(std::min(lead_, static_cast<std::int64_t>(frames)));
    lead_ -= static_cast<std::int64_t>(skipped);
    const ConstAudioView block = ConstAudioView(out_).part(skipped, frames - skipped);
    for (std::size_t channel = 0; channel < block.channels(); ++channel)
      for (const float sample : block.channel(channel)) peak_ = std::max(peak_, std::abs(sample));
    if (block.frames() > 0) files_.write(block, {});
  }

  const FileProcessing& processing_;
  separation::StemFiles& files_;
  audio::AudioReader& reader_;
  AudioBuffer in_;
  AudioBuffer out_;
  std::int64_t lead_;
  float peak_ = 0.0F;
};

}  // namespace

void add_file_processing_options(CLI::App& command, FileProcessingOptions& options,
                                 const std::string& in) {
  command.add_option("IN", options.in, in)->type_name("FILE")->required();
  command
      .add_option(
          "-o,--out", options.out,
          "File to write; its ending chooses WAV, FLAC, MP3, Ogg, Opus or M4A unless an option "
          "does")
      ->type_name("FILE")
      ->required();
  const std::map<std::string, separation::ClipMode> modes{
      {"rescale", separation::ClipMode::rescale},
      {"clamp", separation::ClipMode::clamp},
      {"none", separation::ClipMode::none}};
  command
      .add_option_function<std::string>(
          "--clip-mode",
          [&options, modes](const std::string& name) { options.clip_mode = modes.at(name); },
          "Against clipping: turn the whole file down, limit its samples, or nothing, which "
          "leaves floats as they are and cuts integers off at full scale")
      ->check(CLI::IsMember({"rescale", "clamp", "none"}).description(""))
      ->type_name("rescale|clamp|none")
      ->default_str("none");
  command.add_flag("--dither", options.dither,
                   "Add triangular noise of one step before rounding to 16 or 24 bits");
  add_output_format_options(command, options.format);
  command.add_flag("--allow-truncated", options.allow_truncated,
                   "Take a file that ends early as far as it goes, with a warning");
}

void check_files(const FileProcessingOptions& options,
                 const std::vector<std::filesystem::path>& more_inputs) {
  chosen_format(options);
  std::vector<std::filesystem::path> inputs = more_inputs;
  inputs.push_back(options.in);
  separation::RunFiles files;
  for (const std::filesystem::path& input : inputs) {
    if (const std::string problem = separation::input_problem(input); !problem.empty())
      fail(ErrorCode::unsupported, "{}: {}", input.string(), problem);
    files.add_input(input);
  }
  files.require("-o", options.out);
}

void process_file(audio::AudioReader& reader, const FileProcessing& processing,
                  const FileProcessingOptions& options) {
  const audio::AudioFormat& format = reader.format();
  const double expected = static_cast<double>(format.frames.value_or(0));
  const auto start = std::chrono::steady_clock::now();
  Console console;
  const OutputFormat chosen = chosen_format(options);
  for (const std::string& line : idle_options(chosen, chosen.type())) console.line("Note: " + line);
  ProgressBoard board(console, 1);
  board.begin(0, options.in.filename().string(), expected / format.sample_rate_hz);

  separation::StemPlan plan;
  plan.outputs.push_back({.name = "", .mix_weight = 1.0F, .source_weights = {}});
  separation::StemFileOptions writing = file_options(format, processing, options);
  if (format.frames)
    writing.writer.expected_frames =
        *format.frames + processing.tail_frames - processing.lead_frames;
  writing.writer.may_be_long = !format.frames;
  std::vector<std::string> warnings;
  writing.writer.tags = audio::read_tags(options.in, warnings);
  separation::StemFiles files(plan, {options.out}, writing);
  Stream stream(reader, processing, files);
  const std::int64_t frames = stream.run([&](std::int64_t done) {
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
  warnings.insert(warnings.begin(), reader.warnings().begin(), reader.warnings().end());
  for (const std::string& warning : warnings)
    console.line(failure_text(options.in.string(), "warning: " + warning));
  if (const std::string text = clipping_text(stream.peak(), writing); !text.empty())
    console.line(fmt::format("Warning: {}: {}", options.out.string(), text));
  if (const std::string text = gain_text(files.gains().at(0)); !text.empty())
    console.line(fmt::format("{}: {} (--clip-mode rescale)", options.out.string(), text));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  const double seconds = static_cast<double>(frames) / format.sample_rate_hz;
  console.line(fmt::format("{}: {:.1f} s, {:.0f} x real time", options.out.string(), taken.count(),
                           seconds / taken.count()));
}

}  // namespace metalaudio::apps
