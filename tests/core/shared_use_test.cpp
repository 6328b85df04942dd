#include <gtest/gtest.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/buffer.h>
#include <metalaudio/core/tensor.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

// What several threads may do at once; the thread sanitizer sees what these tests cannot.
namespace metalaudio {
namespace {

template <typename Work>
void on_threads(Work&& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

TEST(SharedUse, OneTensorAndOneBufferAreReadByAll) {
  Tensor tensor({64, 64});
  AudioBuffer audio(2, 4096);
  for (std::size_t i = 0; i < 4096; ++i)
    tensor.values()[i] = audio.channel(1)[i] = static_cast<float>(i);
  const Tensor& shared = tensor;
  const AudioBuffer& heard = audio;
  std::atomic<int> equal{0};
  on_threads([&] {
    for (int round = 0; round < 100; ++round) {
      const Tensor copy = shared;
      equal += std::ranges::equal(copy.values(), heard.view().channel(1)) ? 1 : 0;
    }
  });
  EXPECT_EQ(equal, 400);
}

TEST(SharedUse, OneDeviceServesAll) {
  const std::shared_ptr<AudioDevice> device = open_device(DeviceType::cpu);
  std::atomic<int> right{0};
  on_threads([&] {
    for (int round = 0; round < 100; ++round) {
      Tensor tensor({33}, DataType::f32, device);
      const std::vector<float> values(33, static_cast<float>(round));
      tensor.copy_from(values);
      std::vector<float> back(33);
      tensor.copy_to(back);
      right += back == values ? 1 : 0;
    }
  });
  EXPECT_EQ(right, 400);
}

}  // namespace
}  // namespace metalaudio
