// Writes a second of two sines: use_audio FILE
#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/core/audio_buffer.h>

#include <cmath>
#include <numbers>

int main(int, char** argv) {
  constexpr double kSampleRateHz = 44100;
  metalaudio::AudioBuffer song(2, 44100);
  for (std::size_t channel = 0; channel < 2; ++channel) {
    const double step =
        2 * std::numbers::pi * 220 * static_cast<double>(channel + 1) / kSampleRateHz;
    for (std::size_t i = 0; i < song.frames(); ++i) {
      song.channel(channel)[i] = static_cast<float>(0.5 * std::sin(step * static_cast<double>(i)));
    }
  }
  metalaudio::audio::AudioWriter file(argv[1], {});
  file.write(song);
  file.close();
}
