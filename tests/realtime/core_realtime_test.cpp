#include <gtest/gtest.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/core/realtime/triple_buffer.h>
#include <metalaudio/core/tensor.h>

#include <array>

#include "realtime_guard.h"

namespace metalaudio {
namespace {

using testing::RealtimeGuard;

TEST(CoreOnTheAudioThread, ToolsAreRealtime) {
  TripleBuffer<std::array<float, 16>> buffer;
  RealtimeStatus status;
  const RealtimeGuard guard;
  const FlushDenormals flush;
  buffer.write_buffer().fill(1.0F);
  buffer.publish();
  EXPECT_TRUE(buffer.update());
  EXPECT_EQ(buffer.read_buffer()[15], 1.0F);
  status.report(Trouble::input_replaced);
  EXPECT_EQ(status.take(), Trouble::input_replaced);
}

TEST(CoreOnTheAudioThread, ViewsOfTensorsAndAudioAreRealtime) {
  Tensor from({2, 3});
  Tensor to({2, 3});
  AudioBuffer audio(2, 8);
  from.values()[5] = 4.0F;
  const RealtimeGuard guard;
  copy(from.view(), to.view());
  EXPECT_EQ(to.values()[5], 4.0F);
  const AudioView part = audio.view().part(2, 4).some_channels(1, 1);
  part.channel(0)[3] = 1.0F;
  EXPECT_EQ(audio.channel(1)[5], 1.0F);
}

}  // namespace
}  // namespace metalaudio
