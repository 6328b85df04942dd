#include "apps/options/output_format.h"

#include <fmt/format.h>

#include "apps/options/option_values.h"

namespace metalaudio::apps {
namespace {

audio::SampleFormat sample_format(const OutputFormat& format) {
  if (format.float32) return audio::SampleFormat::float32;
  return format.int24 ? audio::SampleFormat::pcm24 : audio::SampleFormat::pcm16;
}

}  // namespace

audio::FileType OutputFormat::type() const {
  if (mp3) return audio::FileType::mp3;
  return flac ? audio::FileType::flac : audio::FileType::wav;
}

audio::AudioWriterOptions writer_options(const OutputFormat& format) {
  audio::AudioWriterOptions options;
  options.type = format.type();
  options.sample_format = sample_format(format);
  options.mp3_bitrate_kbps = format.mp3_bitrate_kbps.value_or(options.mp3_bitrate_kbps);
  options.mp3_preset = format.mp3_preset.value_or(options.mp3_preset);
  return options;
}

std::vector<std::string> idle_options(const OutputFormat& format, audio::FileType written) {
  const bool mp3 = written == audio::FileType::mp3;
  std::vector<std::string> lines;
  const auto idle = [&](bool given, const char* option, const char* what) {
    if (given) lines.push_back(fmt::format("{} has no effect on {}", option, what));
  };
  idle(format.int24 && mp3, "--int24", "MP3");
  idle(format.float32 && mp3, "--float32", "MP3");
  idle(format.float32 && written == audio::FileType::flac, "--float32",
       "FLAC: 16 bits are written");
  const char* const others = written == audio::FileType::flac ? "FLAC" : "WAV";
  idle(format.mp3_bitrate_kbps && !mp3, "--mp3-bitrate", others);
  idle(format.mp3_preset && !mp3, "--mp3-preset", others);
  return lines;
}

void add_output_format_options(CLI::App& command, OutputFormat& format) {
  const std::string group = "Output format";
  const audio::AudioWriterOptions defaults;
  CLI::Option* int24 =
      command.add_flag("--int24", format.int24, "24 bits a sample (WAV, FLAC) instead of 16");
  CLI::Option* float32 =
      command.add_flag("--float32", format.float32, "WAV of 32-bit floating point");
  CLI::Option* flac = command.add_flag("--flac", format.flac, "Write FLAC instead of WAV");
  CLI::Option* mp3 = command.add_flag("--mp3", format.mp3, "Write MP3 instead of WAV");
  CLI::Option* bitrate = add_whole(command, "--mp3-bitrate", format.mp3_bitrate_kbps, 8, 320,
                                   "Bit rate of MP3, kbit/s")
                             ->default_str(std::to_string(defaults.mp3_bitrate_kbps));
  CLI::Option* preset =
      add_whole(command, "--mp3-preset", format.mp3_preset, 2, 7,
                "Encoder preset of MP3: 2 for the best quality to 7 for the fastest")
          ->default_str(std::to_string(defaults.mp3_preset));
  int24->excludes(float32);
  flac->excludes(mp3);
  for (CLI::Option* option : {int24, float32, flac, mp3, bitrate, preset}) option->group(group);
}

}  // namespace metalaudio::apps
