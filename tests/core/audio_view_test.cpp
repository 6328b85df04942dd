#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/audio_view.h>

#include <array>
#include <concepts>
#include <span>
#include <vector>

namespace metalaudio {
namespace {

using ::testing::ElementsAre;

static_assert(std::convertible_to<AudioView, ConstAudioView>);
static_assert(!std::convertible_to<ConstAudioView, AudioView>);
static_assert(std::convertible_to<AudioBuffer&, AudioView>);
static_assert(std::convertible_to<const AudioBuffer&, ConstAudioView>);
static_assert(!std::convertible_to<const AudioBuffer&, AudioView>);

struct Song {
  std::array<float, 8> samples{1, 2, 3, 4, 5, 6, 7, 8};
  std::array<float*, 3> pointers{samples.data() + 5, samples.data(), samples.data() + 2};
};

TEST(AudioView, OfPointersReadsEachChannelWhereItLies) {
  Song song;
  const AudioView view(song.pointers, 3);
  EXPECT_EQ(view.channels(), 3U);
  EXPECT_EQ(view.frames(), 3U);
  EXPECT_THAT(view.channel(0), ElementsAre(6, 7, 8));
  EXPECT_THAT(view.channel(1), ElementsAre(1, 2, 3));
  EXPECT_THAT(view.channel(2), ElementsAre(3, 4, 5));
  view.channel(1)[0] = 9.0F;
  EXPECT_EQ(song.samples[0], 9.0F);
}

TEST(AudioView, OfABlockStepsByItsStride) {
  Song song;
  const ConstAudioView view(song.samples.data(), 2, 3, 4);
  EXPECT_THAT(view.channel(0), ElementsAre(1, 2, 3));
  EXPECT_THAT(view.channel(1), ElementsAre(5, 6, 7));
}

TEST(AudioView, OfOneChannelIsASpan) {
  Song song;
  const AudioView view{std::span<float>(song.samples)};
  EXPECT_EQ(view.channels(), 1U);
  EXPECT_EQ(view.channel(0).data(), song.samples.data());
  EXPECT_EQ(view.frames(), 8U);
}

TEST(AudioView, PartsAndChannelsAreTakenOfBothForms) {
  Song song;
  const std::array<ConstAudioView, 2> views{AudioView(song.pointers.data() + 1, 2, 4),
                                            ConstAudioView(song.samples.data(), 2, 4, 2)};
  for (const ConstAudioView& view : views) {
    const ConstAudioView inner = view.part(1, 3).part(1, 2).some_channels(1, 1);
    EXPECT_EQ(inner.channels(), 1U);
    EXPECT_THAT(inner.channel(0), ElementsAre(5, 6));
    EXPECT_THAT(view.some_channels(0, 1).part(3, 1).channel(0), ElementsAre(4));
    EXPECT_TRUE(view.part(4, 0).empty());
    EXPECT_TRUE(view.some_channels(2, 0).empty());
  }
}

TEST(AudioView, HoldsNothingByDefault) {
  EXPECT_TRUE(AudioView().empty());
  EXPECT_EQ(ConstAudioView(AudioBuffer()).channels(), 0U);
}

TEST(AudioView, OfABufferIsItsSamples) {
  AudioBuffer buffer(2, 3);
  const AudioView view = buffer;
  view.channel(1)[2] = 0.5F;
  EXPECT_EQ(buffer.channel(1)[2], 0.5F);
  const AudioBuffer copy(view.part(1, 2));
  EXPECT_EQ(copy.frames(), 2U);
  EXPECT_THAT(copy.channel(1), ElementsAre(0.0F, 0.5F));
}

}  // namespace
}  // namespace metalaudio
