#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/bag.h>

#include <cmath>

#include "tests/support/test_paths.h"

namespace metalaudio::separation {
namespace {

const std::filesystem::path kTiny = golden_dir() / "htdemucs" / "htdemucs.model.safetensors";

AudioBuffer tone() {
  AudioBuffer mix(2, 6000);
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 0; i < 6000; ++i)
      mix.channel(c)[i] = std::sin(0.01F * static_cast<float>((c + 1) * i));
  return mix;
}

TEST(Bag, MembersThatNoStemNeedsAreNotLoaded) {
  ThreadPool pool(1);
  const BagFiles bag{{kTiny, "/nowhere/at.all"}, {{1, 1, 1, 0}, {0, 0, 0, 1}}};
  Separator separator = load_separator(bag, {"drums"}, {}, pool);
  EXPECT_EQ(separator.sources().size(), 4U);
  EXPECT_THROW(load_separator(bag, {"vocals"}, {}, pool), Error);
  EXPECT_THROW(load_separator(bag, {"guitar"}, {}, pool), Error);
  EXPECT_THROW(load_separator({}, {}, {}, pool), Error);
}

TEST(Bag, ABagOfOneIsItsModel) {
  ThreadPool pool(1);
  const AudioBuffer mix = tone();
  Separator one = load_separator({{kTiny}}, {}, {}, pool);
  Separator twice = load_separator({{kTiny, kTiny}, {{3, 3, 3, 3}, {1, 1, 1, 1}}}, {}, {}, pool);
  const SeparationOptions options{.shifts = 0};
  const auto a = one.separate(mix, options);
  const auto b = twice.separate(mix, options);
  for (std::size_t stem = 0; stem < a.size(); ++stem)
    for (std::size_t i = 0; i < mix.frames(); ++i)  // 3/4 and 1/4 of the same: a rounding apart
      ASSERT_NEAR(a[stem].channel(0)[i], b[stem].channel(0)[i], 1e-5F);
}

}  // namespace
}  // namespace metalaudio::separation
