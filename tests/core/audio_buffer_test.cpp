#include <gtest/gtest.h>
#include <metalaudio/core/audio_buffer.h>

#include <utility>

namespace metalaudio {
namespace {

TEST(AudioBuffer, IsSilentWhenMade) {
  const AudioBuffer buffer(2, 5);
  for (std::size_t channel = 0; channel < 2; ++channel) {
    for (const float sample : buffer.channel(channel)) EXPECT_EQ(sample, 0.0F);
  }
}

TEST(AudioBuffer, ChannelsAreApart) {
  AudioBuffer buffer(3, 4);
  buffer.channel(1)[3] = 0.5F;
  EXPECT_EQ(buffer.channel(0)[3], 0.0F);
  EXPECT_EQ(buffer.channel(1)[3], 0.5F);
  EXPECT_EQ(buffer.channel(2)[0], 0.0F);
  EXPECT_EQ(buffer.channel(2).size(), 4U);
}

TEST(AudioBuffer, HoldsNothingByDefault) {
  EXPECT_EQ(AudioBuffer().channels(), 0U);
  EXPECT_EQ(AudioBuffer().frames(), 0U);
}

TEST(AudioBuffer, CopiesAreTheirOwn) {
  AudioBuffer buffer(1, 2);
  const AudioBuffer copy = buffer;
  buffer.channel(0)[0] = 1.0F;
  EXPECT_EQ(copy.channel(0)[0], 0.0F);
}

}  // namespace
}  // namespace metalaudio
