#include "test_files.h"

#include <metalaudio/audio/convert_channels.h>

namespace metalaudio::audio {
namespace {

using ::testing::ElementsAre;

/// Channel c holds c + 1 and ten times that.
AudioBuffer numbered(std::size_t channels) {
  AudioBuffer samples(channels, 2);
  for (std::size_t channel = 0; channel < channels; ++channel) {
    samples.channel(channel)[0] = static_cast<float>(channel + 1);
    samples.channel(channel)[1] = 10.0f * static_cast<float>(channel + 1);
  }
  return samples;
}

TEST(ConvertChannels, OneBecomesCopies) {
  const AudioBuffer in = numbered(1);
  std::vector<float> mean;
  const ConstAudioView out = convert_channels(in, 2, mean);
  ASSERT_EQ(out.channels(), 2u);
  EXPECT_THAT(out.channel(0), ElementsAre(1, 10));
  EXPECT_THAT(out.channel(1), ElementsAre(1, 10));
}

TEST(ConvertChannels, ManyBecomeTheirMean) {
  const AudioBuffer in = numbered(6);
  std::vector<float> mean;
  const ConstAudioView out = convert_channels(in, 1, mean);
  ASSERT_EQ(out.channels(), 1u);
  EXPECT_THAT(out.channel(0), ElementsAre(3.5f, 35.0f));
}

TEST(ConvertChannels, OtherwiseTheFirstStay) {
  const AudioBuffer in = numbered(6);
  std::vector<float> mean;
  const ConstAudioView out = convert_channels(in, 2, mean);
  ASSERT_EQ(out.channels(), 2u);
  EXPECT_THAT(out.channel(1), ElementsAre(2, 20));
  EXPECT_EQ(convert_channels(in, 6, mean).channels(), 6u);
}

TEST(ConvertChannels, FewerThanWantedButNotOneIsAnError) {
  const AudioBuffer in = numbered(2);
  std::vector<float> mean;
  expect_error(ErrorCode::unsupported, {"2 channels, where 4 or 1"},
               [&] { convert_channels(in, 4, mean); });
}

}  // namespace
}  // namespace metalaudio::audio
