#include "apps/options/output_format.h"

#include <fmt/format.h>

#include "apps/options/option_values.h"

namespace metalaudio::apps {
namespace {

audio::SampleFormat sample_format(const OutputFormat& format) {
  if (format.float32) return audio::SampleFormat::float32;
  return format.int24 ? audio::SampleFormat::pcm24 : audio::SampleFormat::pcm16;
}

std::string name_of(audio::FileType type, bool alac) {
  switch (type) {
    case audio::FileType::wav:
      return "WAV";
    case audio::FileType::flac:
      return "FLAC";
    case audio::FileType::mp3:
      return "MP3";
    case audio::FileType::ogg:
      return "Ogg";
    case audio::FileType::opus:
      return "Opus";
    default:
      return alac ? "ALAC" : "AAC";
  }
}

}  // namespace

audio::AudioWriterOptions writer_options(const OutputFormat& format) {
  audio::AudioWriterOptions options;
  options.type = format.type();
  options.sample_format = sample_format(format);
  options.lossless = format.alac;
  options.bitrate_kbps = format.bitrate_kbps;
  options.mp3_bitrate_kbps =
      format.mp3_bitrate_kbps.value_or(format.bitrate_kbps.value_or(options.mp3_bitrate_kbps));
  options.mp3_preset = format.mp3_preset.value_or(options.mp3_preset);
  return options;
}

std::vector<std::string> idle_options(const OutputFormat& format, audio::FileType written) {
  using audio::FileType;
  const bool m4a = written == FileType::m4a || written == FileType::stem_m4a;
  const bool samples =
      written == FileType::wav || written == FileType::flac || (m4a && format.alac);
  const bool mp3 = written == FileType::mp3;
  const std::string name = name_of(written, format.alac);
  std::vector<std::string> lines;
  const auto idle = [&](bool given, const char* option, const char* instead = "") {
    if (given) lines.push_back(fmt::format("{} has no effect on {}{}", option, name, instead));
  };
  idle(format.int24 && !samples, "--int24");
  idle(format.float32 && written != FileType::wav, "--float32",
       samples ? ": 16 bits are written" : "");
  idle(format.bitrate_kbps && samples, "--bitrate");
  idle(format.alac && !m4a, "--alac");
  idle(format.mp3_bitrate_kbps && !mp3, "--mp3-bitrate");
  idle(format.mp3_preset && !mp3, "--mp3-preset");
  return lines;
}

void add_output_format_options(CLI::App& command, OutputFormat& format) {
  using audio::FileType;
  const OptionGroup group(command, "Output format");
  const audio::AudioWriterOptions defaults;
  CLI::Option* int24 =
      command.add_flag("--int24", format.int24, "24 bits a sample (WAV, FLAC, ALAC) instead of 16");
  CLI::Option* float32 =
      command.add_flag("--float32", format.float32, "WAV of 32-bit floating point");
  std::vector<CLI::Option*> types;
  const auto type = [&](const char* name, FileType chosen, const char* help) {
    const auto choose = [&format, chosen, name] {
      format.chosen = chosen;
      format.alac = std::string_view(name) == "--alac";
    };
    CLI::Option* option = command.add_flag_callback(name, choose, help);
    for (CLI::Option* other : types) option->excludes(other);
    types.push_back(option);
  };
  type("--flac", FileType::flac, "Write FLAC instead of WAV");
  type("--mp3", FileType::mp3, "Write MP3 instead of WAV");
  type("--ogg", FileType::ogg, "Write Ogg Vorbis instead of WAV");
  type("--opus", FileType::opus, "Write Opus instead of WAV, which is always at 48 kHz");
  type("--m4a", FileType::m4a, "Write M4A with AAC instead of WAV");
  type("--alac", FileType::m4a, "Write M4A without loss, with ALAC, instead of WAV");
  add_whole(command, "--bitrate", format.bitrate_kbps, 8, 4000,
            "Bit rate of MP3, Ogg, Opus or AAC, kbit/s; unless given 320 for "
            "MP3, 192 for Opus and 256 for the others, half of it for mono");
  add_whole(command, "--mp3-bitrate", format.mp3_bitrate_kbps, 8, 320,
            "Bit rate of MP3, kbit/s, before --bitrate")
      ->default_str(std::to_string(defaults.mp3_bitrate_kbps));
  add_whole(command, "--mp3-preset", format.mp3_preset, 2, 7,
            "Encoder preset of MP3: 2 for the best quality to 7 for the fastest")
      ->default_str(std::to_string(defaults.mp3_preset));
  int24->excludes(float32);
}

}  // namespace metalaudio::apps
