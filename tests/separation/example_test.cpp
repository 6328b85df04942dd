#include <gtest/gtest.h>
#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/audio/track_source.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/separation/separator.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/support/test_paths.h"

namespace metalaudio::separation {
namespace {

AudioBuffer chirp(std::size_t frames) {
  AudioBuffer audio(2, frames);
  for (std::size_t channel = 0; channel < 2; ++channel)
    for (std::size_t i = 0; i < frames; ++i) {
      const auto time = static_cast<double>(i) / 8000.0;
      audio.channel(channel)[i] =
          static_cast<float>(0.4 * std::sin((300.0 + 900.0 * time) * time + 0.5 * double(channel)));
    }
  return audio;
}

TEST(ExampleSeparate, WritesTheStemsThatTheLibraryGives) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("example_separate." + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string model = (golden_dir() / "htdemucs" / "htdemucs.model.safetensors").string();
  const AudioBuffer mix = chirp(9001);
  audio::AudioWriter writer(
      folder / "mix.wav", {.sample_rate_hz = 8000, .sample_format = audio::SampleFormat::float32});
  writer.write(mix);
  writer.close();
  const std::string command = std::string(METALAUDIO_EXAMPLE_SEPARATE) + " " + model + " " +
                              (folder / "mix.wav").string() + " " + folder.string();
  ASSERT_EQ(std::system(command.c_str()), 0);

  ThreadPool pool(2);
  Separator separator(
      std::make_unique<models::HTDemucs>(nn::load_state(model), models::ModelOptions{}, pool));
  const auto stems = separator.separate(mix);
  for (std::size_t stem = 0; stem < stems.size(); ++stem) {
    const audio::TrackSource file(folder / (separator.sources()[stem] + ".wav"),
                                  {.sample_rate_hz = 8000});
    AudioBuffer read(2, mix.frames());
    ASSERT_EQ(file.frames(), 9001);
    file.read(0, read);
    for (std::size_t channel = 0; channel < 2; ++channel)
      for (std::size_t i = 0; i < mix.frames(); ++i)
        // 16-bit files are cut to whole steps and scaled by 32767 or 32768: two steps at most.
        ASSERT_NEAR(read.channel(channel)[i],
                    std::clamp(stems[stem].channel(channel)[i], -1.0F, 1.0F), 2.0F / 32767.0F);
  }
  std::filesystem::remove_all(folder);
}

TEST(ExampleSeparate, FailsOnAModelThatIsNotThere) {
  const std::string command = METALAUDIO_EXAMPLE_SEPARATE " nowhere.th mix.wav . 2>/dev/null";
  EXPECT_NE(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace metalaudio::separation
