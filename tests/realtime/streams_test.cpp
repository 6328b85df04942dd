// Every class of the audio callback under the guard; and an amp exchanged for another while it
// plays. METALAUDIO_REALTIME_BLOCKS and METALAUDIO_SWAP_SECONDS make the long tests of them.
#include "tests/realtime/streams.h"

#include <gtest/gtest.h>
#include <metalaudio/core/realtime/swappable.h>
#include <metalaudio/models/amp/amp.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "benchmarks/nn/amp_models.h"
#include "realtime_guard.h"

namespace metalaudio::testing {
namespace {

double told(const char* variable, double otherwise) {
  const char* const text = std::getenv(variable);
  return text != nullptr ? std::atof(text) : otherwise;
}

class StreamsOf : public ::testing::TestWithParam<Streamed> {};

TEST_P(StreamsOf, RunBlocksOf64InRealtime) {
  const auto blocks = static_cast<int>(told("METALAUDIO_REALTIME_BLOCKS", 1500));
  const StreamBlock process = GetParam().make();
  const std::vector<float> sound = amp_models::random_weights(64, 6, 0.7F);
  const std::vector<float> silence(64), tiny(64, 1e-40F);
  std::vector<float> bad = sound, out(64);
  bad[3] = std::numeric_limits<float>::quiet_NaN();
  for (int block = 0; block < blocks; ++block) {
    const auto& x = block % 1000 == 7 ? bad
                    : block % 16 == 3 ? silence
                    : block % 16 == 4 ? tiny
                                      : sound;
    const RealtimeGuard guard;
    process(ConstAudioView(std::span<const float>(x)), AudioView(std::span<float>(out)));
  }
  for (const float v : out) EXPECT_TRUE(std::isfinite(v));
}

INSTANTIATE_TEST_SUITE_P(All, StreamsOf, ::testing::ValuesIn(all_streams()),
                         [](const auto& tested) {
                           std::string name = tested.param.name;
                           std::ranges::replace_if(
                               name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

/// One thread swaps amps of two kinds, the other plays under the guard.
TEST(AmpSwaps, EveryHundredBlocksInRealtime) {
  const std::chrono::duration<double> length(told("METALAUDIO_SWAP_SECONDS", 1.0));
  const std::string wavenet = amp_models::a1(2, 2, "Tanh").dump();
  const std::string lstm = amp_models::lstm(1, 4).dump();
  const auto make = [&](int number) {
    const std::string& text = number % 2 == 0 ? wavenet : lstm;
    return std::make_unique<models::Amp>(std::as_bytes(std::span<const char>(text)));
  };
  Swappable<models::Amp> amps(make(0), {.crossfade_samples = 256});
  std::atomic<int> played{0};
  std::atomic<bool> stop{false};
  std::thread audio([&] {
    const std::vector<float> x = amp_models::random_weights(64, 7, 0.7F);
    std::vector<float> y(64);
    float most = 0.0F;
    while (!stop.load()) {
      {
        const RealtimeGuard guard;
        amps.process(ConstAudioView(std::span<const float>(x)), AudioView(std::span<float>(y)));
      }
      for (const float v : y) most = std::max(most, std::isfinite(v) ? std::abs(v) : 1e9F);
      if (++played % 64 == 0) std::this_thread::yield();
    }
    EXPECT_LT(most, 10.0F);
  });
  const auto end = std::chrono::steady_clock::now() + length;
  int swaps = 0;
  while (std::chrono::steady_clock::now() < end) {
    if (played.load() < 100 * swaps) {
      std::this_thread::yield();
      continue;
    }
    amps.swap(make(++swaps));
  }
  stop = true;
  audio.join();
  EXPECT_GE(swaps, 5);
}

}  // namespace
}  // namespace metalaudio::testing
