#include <metalaudio/dsp/resampler/cpu/resampler_kernels.h>

namespace metalaudio::dsp {

namespace {

void exact(const ResamplerPoint* points, std::size_t count, const float* table, std::size_t taps,
           const float* x, float* y) {
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = table + points[i].row * taps;
    double sum = 0.0;
    for (std::size_t k = 0; k < taps; ++k) sum += double{row[k]} * double{x[points[i].at + k]};
    y[i] = static_cast<float>(sum);
  }
}

void interpolated(const ResamplerPoint* points, std::size_t count, const float* table,
                  std::size_t taps, const float* const* x, float* const* y, std::size_t channels) {
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = table + points[i].row * taps;
    for (std::size_t c = 0; c < channels; ++c) {
      double sum = 0.0;
      for (std::size_t k = 0; k < taps; ++k) {
        double tap = 0.0;
        for (std::size_t r = 0; r < 4; ++r) {
          tap += double{points[i].weights[r]} * double{row[r * taps + k]};
        }
        sum += tap * double{x[c][points[i].at + k]};
      }
      y[c][i] = static_cast<float>(sum);
    }
  }
}

}  // namespace

const ResamplerKernels kResamplerReference = {exact, interpolated};

}  // namespace metalaudio::dsp
