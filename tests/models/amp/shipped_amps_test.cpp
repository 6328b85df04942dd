// The amps of models/ against the circuit that they were trained on.
#include <gtest/gtest.h>
#include <metalaudio/models/amp/amp.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/test_paths.h"
#include "training/amp/guitar.h"
#include "training/amp/preamp.h"

namespace metalaudio::models {
namespace {

constexpr double kRateHz = 48000.0;

std::filesystem::path shipped(const std::string& name) {
  return golden_dir() / "../../models" / (name + ".nam");
}

std::vector<float> play(Amp& amp, const std::vector<float>& x) {
  std::vector<float> y(x.size());
  amp.process(x, y);
  return y;
}

/// The error's share of the energy.
double error_share(const std::vector<float>& y, const std::vector<float>& expected) {
  double error = 0.0, energy = 0.0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    error += std::pow(static_cast<double>(y[i]) - expected[i], 2.0);
    energy += std::pow(static_cast<double>(expected[i]), 2.0);
  }
  return error / energy;
}

TEST(ShippedAmps, EqualTheCircuitOnGuitars) {
  // Softly, as recorded, loud; a seed that was neither trained nor judged on.
  std::vector<float> x =
      training::play_guitar(training::random_playing(3.0, 77777), 3.0, kRateHz, 3);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= i < 48000 ? 0.1F : i < 96000 ? 0.35F : 0.9F;
  const std::vector<float> expected = training::play_preamp(x);
  Amp wavenet(shipped("preamp")), lstm(shipped("preamp_lstm"));
  // docs/model.md has what was measured; these are the marks that were aimed at.
  EXPECT_LT(error_share(play(wavenet, x), expected), 0.01);
  EXPECT_LT(error_share(play(lstm, x), expected), 0.03);
}

TEST(ShippedAmps, AreSmallAndSayTheirLevels) {
  EXPECT_LT(std::filesystem::file_size(shipped("preamp")) +
                std::filesystem::file_size(shipped("preamp_lstm")),
            100'000U);
  for (const char* name : {"preamp", "preamp_lstm"}) {
    Amp amp(shipped(name));
    EXPECT_EQ(amp.sample_rate_hz(), kRateHz);
    // Of a sine at full scale, over the square root of 0.6 V.
    const auto dbu = [](double volts) {
      return 20.0 * std::log10(volts / std::sqrt(2.0) / std::sqrt(0.6));
    };
    EXPECT_NEAR(amp.input_level_dbu().value(), dbu(training::kInputVolts), 1e-3);
    EXPECT_NEAR(amp.output_level_dbu().value(), dbu(training::kOutputVolts), 1e-3);
    EXPECT_LT(amp.loudness_db().value(), -6.0);
    EXPECT_GT(amp.loudness_db().value(), -30.0);
  }
}

TEST(ShippedAmps, AreSilentWithoutASound) {
  for (const char* name : {"preamp", "preamp_lstm"}) {
    Amp amp(shipped(name));
    for (const float v : play(amp, std::vector<float>(4800)))
      EXPECT_LT(std::abs(v), 3e-3F) << name;  // 50 dB below what it plays
  }
}

}  // namespace
}  // namespace metalaudio::models
