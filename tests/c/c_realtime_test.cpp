#include <gtest/gtest.h>
#include <metalaudio.h>

#include <vector>

#include "realtime_guard.h"

namespace metalaudio {
namespace {

using testing::RealtimeGuard;

TEST(CInterfaceOnTheAudioThread, ProcessingIsRealtime) {
  std::vector<float> response(3000, 0.001F);
  std::vector<float> x(256, 0.5F);
  std::vector<float> y(256);
  std::vector<float> spectrum(2 * 129);
  const float* const responses[] = {response.data()};
  const float* const in[] = {x.data()};
  float* const out[] = {y.data()};
  metalaudio_convolution* convolution = nullptr;
  metalaudio_fft* fft = nullptr;
  ASSERT_EQ(metalaudio_convolution_create(responses, 1, response.size(), 1, 1, &convolution),
            METALAUDIO_OK);
  ASSERT_EQ(metalaudio_fft_create(256, &fft), METALAUDIO_OK);
  {
    const RealtimeGuard guard;
    for (int block = 0; block < 20; ++block)
      EXPECT_EQ(metalaudio_convolution_process(convolution, in, 1, out, 1, 256), METALAUDIO_OK);
    EXPECT_EQ(metalaudio_convolution_reset(convolution), METALAUDIO_OK);
    EXPECT_EQ(metalaudio_fft_forward(fft, x.data(), 256, spectrum.data(), 129), METALAUDIO_OK);
    EXPECT_EQ(metalaudio_fft_inverse(fft, spectrum.data(), 129, y.data(), 256), METALAUDIO_OK);
  }
  metalaudio_convolution_free(convolution);
  metalaudio_fft_free(fft);
}

}  // namespace
}  // namespace metalaudio
