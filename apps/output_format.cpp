#include "apps/output_format.h"

namespace metalaudio::apps {
namespace {

audio::FileType file_type(const OutputFormat& format) {
  if (format.mp3) return audio::FileType::mp3;
  return format.flac ? audio::FileType::flac : audio::FileType::wav;
}

audio::SampleFormat sample_format(const OutputFormat& format) {
  if (format.float32) return audio::SampleFormat::float32;
  return format.int24 ? audio::SampleFormat::pcm24 : audio::SampleFormat::pcm16;
}

}  // namespace

audio::AudioWriterOptions writer_options(const OutputFormat& format) {
  audio::AudioWriterOptions options;
  options.type = file_type(format);
  options.sample_format = sample_format(format);
  options.mp3_bitrate_kbps = format.mp3_bitrate_kbps;
  options.mp3_preset = format.mp3_preset;
  return options;
}

void add_output_format_options(CLI::App& command, OutputFormat& format) {
  constexpr int kLeastBitrate = 32;
  constexpr int kMostBitrate = 320;
  const std::string group = "Output format";
  CLI::Option* int24 =
      command.add_flag("--int24", format.int24, "24 bits a sample (WAV, FLAC) instead of 16");
  CLI::Option* float32 =
      command.add_flag("--float32", format.float32, "WAV of 32-bit floating point");
  CLI::Option* flac = command.add_flag("--flac", format.flac, "Write FLAC instead of WAV");
  CLI::Option* mp3 = command.add_flag("--mp3", format.mp3, "Write MP3 instead of WAV");
  CLI::Option* bitrate =
      command.add_option("--mp3-bitrate", format.mp3_bitrate_kbps, "Bit rate of MP3, kbit/s")
          ->check(CLI::Range(kLeastBitrate, kMostBitrate))
          ->needs(mp3)
          ->capture_default_str();
  CLI::Option* preset =
      command
          .add_option("--mp3-preset", format.mp3_preset,
                      "Encoder preset of MP3: 2 for the best quality to 7 for the fastest")
          ->check(CLI::Range(2, 7))
          ->needs(mp3)
          ->capture_default_str();
  int24->excludes(float32)->excludes(mp3);
  float32->excludes(flac)->excludes(mp3);
  flac->excludes(mp3);
  for (CLI::Option* option : {int24, float32, flac, mp3, bitrate, preset}) option->group(group);
}

}  // namespace metalaudio::apps
