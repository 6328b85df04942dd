#include "tests/support/sounds.h"

#include <gtest/gtest.h>
#include <metalaudio/audio/audio_reader.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

namespace metalaudio {

AudioBuffer make_music(std::size_t channels, double seconds, int sample_rate_hz,
                       std::uint32_t seed) {
  AudioBuffer sound(channels, static_cast<std::size_t>(seconds * sample_rate_hz));
  std::mt19937 engine(seed);
  for (std::size_t c = 0; c < channels; ++c) {
    const double hz = 110.0 * static_cast<double>(c + 1);
    const double step = 2.0 * std::numbers::pi * hz / sample_rate_hz;
    for (std::size_t i = 0; i < sound.frames(); ++i) {
      const double noise = static_cast<double>(engine()) / 0xFFFFFFFFU - 0.5;
      sound.channel(c)[i] =
          static_cast<float>(0.3 * std::sin(step * static_cast<double>(i)) + 0.4 * noise);
    }
  }
  return sound;
}

void write_sound(const std::filesystem::path& path, const AudioBuffer& sound, int sample_rate_hz) {
  std::filesystem::create_directories(path.parent_path());
  audio::AudioWriterOptions options;
  options.sample_rate_hz = sample_rate_hz;
  options.channels = sound.channels();
  options.type = audio::file_type_of(path).value_or(audio::FileType::wav);
  if (options.type == audio::FileType::wav) options.sample_format = audio::SampleFormat::float32;
  audio::AudioWriter writer(path, options);
  writer.write(sound);
  writer.close();
}

AudioBuffer read_sound(const std::filesystem::path& path) {
  audio::AudioReader reader(path);
  AudioBuffer block(reader.format().channels, 1U << 14U);
  std::vector<std::vector<float>> samples(block.channels());
  for (std::size_t frames = reader.read(block); frames > 0; frames = reader.read(block))
    for (std::size_t c = 0; c < block.channels(); ++c)
      samples[c].insert(samples[c].end(), block.channel(c).begin(),
                        block.channel(c).begin() + static_cast<std::ptrdiff_t>(frames));
  AudioBuffer sound(samples.size(), samples[0].size());
  for (std::size_t c = 0; c < samples.size(); ++c)
    std::copy(samples[c].begin(), samples[c].end(), sound.channel(c).begin());
  return sound;
}

int sample_rate_of(const std::filesystem::path& path) {
  return audio::AudioReader(path).format().sample_rate_hz;
}

double agreement_db(const AudioBuffer& a, const AudioBuffer& b) {
  double signal = 0.0;
  double error = 0.0;
  for (std::size_t c = 0; c < a.channels(); ++c) {
    for (std::size_t i = 0; i < std::min(a.frames(), b.frames()); ++i) {
      const double x = a.channel(c)[i];
      const double difference = x - b.channel(c)[i];
      signal += x * x;
      error += difference * difference;
    }
  }
  return 10.0 * std::log10(signal / error);
}

float peak_of(const AudioBuffer& sound) {
  float peak = 0.0F;
  for (std::size_t c = 0; c < sound.channels(); ++c)
    for (const float sample : sound.channel(c)) peak = std::max(peak, std::abs(sample));
  return peak;
}

}  // namespace metalaudio
