#include <metalaudio/dsp/convolution/cpu/convolution_kernels.h>

namespace metalaudio::dsp {

namespace {

void direct(const float* x, const float* taps, std::size_t count, std::size_t n, float* y) {
  for (std::size_t i = 0; i < n; ++i) {
    double sum = y[i];
    for (std::size_t t = 0; t < count; ++t) {
      sum += static_cast<double>(taps[t]) * *(x + i - t);
    }
    y[i] = static_cast<float>(sum);
  }
}

void multiply_sum(const float* const* a, const float* const* b, std::size_t count, std::size_t half,
                  std::size_t begin, std::size_t end, float* sum) {
  for (std::size_t k = begin; k < end; ++k) {
    double re = 0.0;
    double im = 0.0;
    for (std::size_t j = 0; j < count; ++j) {
      const double ar = a[j][k], ai = a[j][half + k], br = b[j][k], bi = b[j][half + k];
      re += ar * br - ai * bi;
      im += ar * bi + ai * br;
    }
    sum[k] = static_cast<float>(re);
    sum[half + k] = static_cast<float>(im);
  }
}

}  // namespace

const ConvolutionKernels kConvolutionReference = {direct, multiply_sum};

}  // namespace metalaudio::dsp
