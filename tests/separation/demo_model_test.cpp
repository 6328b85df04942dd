#include <gtest/gtest.h>
#include <metalaudio/audio/track_source.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/separation/separator.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

#include "tests/support/test_paths.h"

namespace metalaudio::separation {
namespace {

AudioBuffer decode(const std::filesystem::path& path) {
  const audio::TrackSource source(path);
  AudioBuffer samples(2, static_cast<std::size_t>(source.frames()));
  source.read(0, samples);
  return samples;
}

/// 10·log10(|s|² / |s - ŝ|²) over both channels.
double distortion_ratio_db(const AudioBuffer& truth, const AudioBuffer& estimate) {
  double signal = 0;
  double error = 0;
  for (std::size_t channel = 0; channel < 2; ++channel) {
    for (std::size_t i = 0; i < truth.frames(); ++i) {
      const double s = truth.channel(channel)[i];
      signal += s * s;
      error += (s - estimate.channel(channel)[i]) * (s - estimate.channel(channel)[i]);
    }
  }
  return 10 * std::log10(signal / error);
}

class DemoModel : public testing::TestWithParam<models::Mode> {};

TEST_P(DemoModel, ReachesTheRecordedRatiosOnASongThatItWasNotTrainedOn) {
  const std::filesystem::path folder = golden_dir() / "demo_song";
  std::ifstream file(folder / "sdr.json");
  ASSERT_TRUE(file.good());
  const auto recorded =
      nlohmann::json::parse(file)[GetParam() == models::Mode::full ? "full" : "time-only"];

  ThreadPool pool(2);
  models::ModelOptions options;
  options.mode = GetParam();
  const auto checkpoint = nn::load_state(golden_dir() / "../../models/demo_6s.safetensors");
  Separator separator(std::make_unique<models::HTDemucs>(checkpoint, options, pool));
  SeparationOptions apply;
  apply.shifts = 0;
  const auto stems = separator.separate(decode(folder / "mixture.flac"), apply);
  ASSERT_EQ(stems.size(), 6U);
  for (std::size_t stem = 0; stem < stems.size(); ++stem) {
    const std::string& name = separator.sources()[stem];
    const double ratio = distortion_ratio_db(decode(folder / (name + ".ogg")), stems[stem]);
    // PyTorch and this must agree to 0.01 dB, the mark of the model.
    EXPECT_NEAR(ratio, recorded.at(name).at("sdr").get<double>(), 0.01) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, DemoModel,
                         testing::Values(models::Mode::full, models::Mode::time_only),
                         [](const auto& test) {
                           return test.param == models::Mode::full ? "full" : "time_only";
                         });

}  // namespace
}  // namespace metalaudio::separation
