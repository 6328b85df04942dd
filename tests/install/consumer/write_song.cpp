#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/thread_pool.h>

#include <cstdio>

int main() {
  metalaudio::ThreadPool pool(2);
  metalaudio::AudioBuffer audio(2, 480);
  pool.parallel_for(audio.channels(), [&](std::size_t channel, std::size_t) {
    for (float& sample : audio.channel(channel)) sample = 0.5F;
  });
  std::printf("%zu channels of %zu frames\n", audio.channels(), audio.frames());
  return audio.channel(1)[479] == 0.5F ? 0 : 1;
}
