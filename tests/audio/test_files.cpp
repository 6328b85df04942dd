#include "test_files.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numbers>
#include <random>
#include <vector>

namespace metalaudio::audio {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "metalaudio-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) fail(ErrorCode::io, "[test] no temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::size_t TemporaryFolder::count() const {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
}

AudioBuffer noise(std::size_t channels, std::size_t frames, float amplitude) {
  AudioBuffer samples(channels, frames);
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-amplitude, amplitude);
  for (std::size_t channel = 0; channel < channels; ++channel)
    for (float& sample : samples.channel(channel)) sample = uniform(generator);
  return samples;
}

AudioBuffer tones(std::size_t channels, std::size_t frames, int sample_rate_hz,
                  double frequency_hz) {
  AudioBuffer samples(channels, frames);
  const double fade = 0.01 * sample_rate_hz;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    const double step = 2.0 * std::numbers::pi * frequency_hz / sample_rate_hz;
    for (std::size_t frame = 0; frame < frames; ++frame) {
      const double from_end = static_cast<double>(std::min(frame, frames - 1 - frame));
      const double gain = 0.5 * std::min(1.0, from_end / fade);
      samples.channel(channel)[frame] =
          static_cast<float>(gain * std::sin(step * static_cast<double>(frame)));
    }
    frequency_hz *= 1.5;
  }
  return samples;
}

void write_file(const fs::path& path, const AudioBuffer& samples,
                const AudioWriterOptions& options) {
  AudioWriter writer(path, options);
  writer.write(samples);
  writer.close();
}

void write_bytes(const fs::path& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

void write_text(const fs::path& path, const std::string& text) {
  write_bytes(path, std::as_bytes(std::span(text)));
}

std::string read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void truncate(const fs::path& path, double part) {
  fs::resize_file(path,
                  static_cast<std::uintmax_t>(static_cast<double>(fs::file_size(path)) * part));
}

AudioBuffer read_file(const fs::path& path, std::size_t block_frames) {
  AudioReader reader(path);
  const std::size_t channels = reader.format().channels;
  std::vector<std::vector<float>> samples(channels);
  AudioBuffer block(channels, block_frames);
  while (const std::size_t got = reader.read(block))
    for (std::size_t channel = 0; channel < channels; ++channel) {
      const auto part = block.channel(channel).first(got);
      samples[channel].insert(samples[channel].end(), part.begin(), part.end());
    }
  AudioBuffer whole(channels, samples[0].size());
  for (std::size_t channel = 0; channel < channels; ++channel)
    std::ranges::copy(samples[channel], whole.channel(channel).begin());
  return whole;
}

double snr_db(const AudioBuffer& expected, const AudioBuffer& actual) {
  double power = 0.0;
  double error = 0.0;
  for (std::size_t channel = 0; channel < expected.channels(); ++channel)
    for (std::size_t frame = 0; frame < expected.frames(); ++frame) {
      const double value = expected.channel(channel)[frame];
      const double difference = value - actual.channel(channel)[frame];
      power += value * value;
      error += difference * difference;
    }
  return 10.0 * std::log10(power / std::max(error, 1e-30));
}

}  // namespace metalaudio::audio
