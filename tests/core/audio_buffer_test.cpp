#include <gtest/gtest.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>

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

TEST(AudioBuffer, AMovedOneHoldsNothing) {
  AudioBuffer buffer(2, 3);
  buffer.channel(1)[2] = 1.0F;
  AudioBuffer moved = std::move(buffer);
  EXPECT_EQ(moved.channel(1)[2], 1.0F);
  EXPECT_EQ(buffer.channels(), 0U);  // NOLINT(bugprone-use-after-move): moved-from is specified
  EXPECT_EQ(buffer.frames(), 0U);
  buffer = std::move(moved);
  EXPECT_EQ(buffer.channel(1)[2], 1.0F);
  EXPECT_EQ(moved.channels(), 0U);  // NOLINT(bugprone-use-after-move): as above
}

TEST(AudioBuffer, ASizeThatOverflowsIsOutOfMemory) {
  try {
    const AudioBuffer buffer(std::size_t{1} << 33, std::size_t{1} << 32);
    ADD_FAILURE() << "the buffer was made";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
  }
}

}  // namespace
}  // namespace metalaudio
