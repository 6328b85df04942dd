// Writes the guitar and the cabinet of `make demo`.
// usage: amp_demo_sounds GUITAR.wav CABINET.wav
#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/core/audio_view.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <span>
#include <vector>

#include "training/amp/guitar.h"

namespace {

constexpr int kRateHz = 48000;

void write(const char* path, const std::vector<float>& sound) {
  metalaudio::audio::AudioWriterOptions options;
  options.sample_rate_hz = kRateHz;
  options.channels = 1;
  options.sample_format = metalaudio::audio::SampleFormat::float32;
  metalaudio::audio::AudioWriter writer(path, options);
  writer.write(metalaudio::ConstAudioView(std::span<const float>(sound)));
  writer.close();
}

}  // namespace

int main(int count, char** arguments) try {
  using namespace metalaudio::training;
  if (count != 3) return std::fprintf(stderr, "usage: amp_demo_sounds GUITAR.wav CABINET.wav\n"), 1;
  std::vector<float> guitar = play_guitar(demo_playing(), 14.0, kRateHz, 2024);
  for (float& sample : guitar) sample *= 0.35F;  // as an interface with headroom records it
  write(arguments[1], guitar);
  write(arguments[2], cabinet_response(kRateHz));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
