#include <gtest/gtest.h>
#include <metalaudio/models/amp/amp.h>
#include <realtime_guard.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/nn/amp_models.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::models {
namespace {

using nlohmann::json;

Amp make_amp(const json& file, const AmpOptions& options = {}) {
  const std::string text = file.dump();
  return Amp(std::as_bytes(std::span<const char>(text)), options);
}

std::vector<json> some_files() {
  return {amp_models::a1(4, 2, "Tanh"), amp_models::a1(9, 3, "ReLU"), amp_models::a2(3),
          amp_models::lstm(2, 9), amp_models::keras_recurrent("gru", 20)};
}

std::vector<float> run(Amp& amp, const std::vector<float>& x,
                       const std::vector<std::size_t>& blocks) {
  std::vector<float> y(x.size());
  std::size_t at = 0;
  for (std::size_t i = 0; at < x.size(); ++i) {
    const std::size_t count = std::min(blocks[i % blocks.size()], x.size() - at);
    amp.process(std::span(x).subspan(at, count), std::span(y).subspan(at, count));
    at += count;
  }
  return y;
}

TEST(AmpStream, BlocksOfAnySizeGiveTheSameBits) {
  const std::vector<float> x = amp_models::random_weights(6000, 1, 0.7F);
  for_each_target([&](const char* target) {
    for (const json& file : some_files()) {
      Amp amp = make_amp(file);
      const std::vector<float> whole = run(amp, x, {x.size()});
      for (const std::vector<std::size_t>& blocks :
           std::vector<std::vector<std::size_t>>{{1}, {7}, {64}, {63, 65}, {100, 1, 31}, {4096}}) {
        amp.reset();
        EXPECT_EQ(run(amp, x, blocks), whole) << target << " blocks of " << blocks[0];
      }
    }
  });
}

TEST(AmpStream, ChannelsAreApart) {
  const std::vector<float> left = amp_models::random_weights(1000, 2, 0.7F);
  const std::vector<float> right = amp_models::random_weights(1000, 3, 0.7F);
  AmpOptions options;
  options.channels = 2;
  for (const json& file : some_files()) {
    Amp mono = make_amp(file);
    const std::vector<float> expected_left = run(mono, left, {1000});
    mono.reset();
    const std::vector<float> expected_right = run(mono, right, {1000});
    Amp stereo = make_amp(file, options);
    std::vector<float> a = left;
    std::vector<float> b = right;
    const std::array<const float*, 2> in{a.data(), b.data()};
    const std::array<float*, 2> out{a.data(), b.data()};  // in place
    stereo.process({in, 1000}, {out, 1000});
    EXPECT_EQ(a, expected_left);
    EXPECT_EQ(b, expected_right);
  }
}

TEST(AmpStream, PrewarmingIsALongSilence) {
  const std::vector<float> x = amp_models::random_weights(500, 4, 0.7F);
  json spread = amp_models::a2(3);
  spread["config"]["layers"][0]["head"]["head_dilation"] = 5;
  for (const json& file : {amp_models::a1(4, 2, "Tanh"), amp_models::a2(3), spread}) {
    AmpOptions cold;
    cold.prewarm = false;
    Amp amp = make_amp(file, cold);
    const std::vector<float> start = run(amp, x, {500});
    amp.reset();
    run(amp, std::vector<float>(20000), {64});
    const std::vector<float> settled = run(amp, x, {500});
    Amp warm = make_amp(file);
    EXPECT_EQ(run(warm, x, {500}), settled);
    EXPECT_NE(start, settled);
    warm.reset();
    EXPECT_EQ(run(warm, x, {500}), settled);
  }
}

TEST(AmpStream, ABlockWithSamplesThatAreNoneIsSilentAndForgotten) {
  const std::vector<float> x = amp_models::random_weights(640, 5, 0.7F);
  for (const json& file : some_files()) {
    Amp amp = make_amp(file);
    const std::vector<float> expected = run(amp, x, {64});
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                            -std::numeric_limits<float>::infinity(), 2e30F}) {
      amp.reset();
      EXPECT_EQ(amp.status(), Trouble::none);
      std::vector<float> block(64, 0.1F);
      block[17] = bad;
      std::vector<float> y(64, 1.0F);
      amp.process(block, y);
      EXPECT_EQ(y, std::vector<float>(64));
      EXPECT_EQ(amp.take_status(), Trouble::input_replaced);
      EXPECT_EQ(run(amp, x, {64}), expected) << "the state is as it was";
    }
  }
}

TEST(AmpStream, AnOutputBeyondAllNumbersStartsAnew) {
  json file = amp_models::a1(2, 2, "ReLU");
  for (auto& weight : file["weights"]) weight = 1e4F;
  Amp amp = make_amp(file, {});
  std::vector<float> y(64);
  amp.process(std::vector<float>(64, 1e10F), y);
  EXPECT_EQ(y, std::vector<float>(64));
  EXPECT_EQ(amp.take_status(), Trouble::state_cleared);
}

TEST(AmpStream, AHundredThousandBlocksAreRealTime) {
  Amp amp = make_amp(amp_models::a1(2, 2, "Tanh"));
  Amp recurrent = make_amp(amp_models::lstm(1, 4));
  const std::vector<float> x = amp_models::random_weights(64, 6, 0.7F);
  std::vector<float> bad = x;
  bad[3] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> y(64);
  const testing::RealtimeGuard guard;
  for (int block = 0; block < 100000; ++block) {
    const bool broken = block % 1000 == 7;
    amp.process(broken ? bad : x, y);
    recurrent.process(broken ? bad : x, y);
    if (block % 1000 != 500) continue;
    amp.reset();
    recurrent.reset();
    amp.take_status();
  }
}

}  // namespace
}  // namespace metalaudio::models
