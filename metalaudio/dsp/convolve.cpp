#include <metalaudio/core/error.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/dsp/convolve.h>
#include <metalaudio/dsp/fft.h>
#include <metalaudio/dsp/finite.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace metalaudio::dsp {

namespace {

void check(std::span<const float> x, const char* what) {
  if (x.empty()) fail(ErrorCode::invalid_argument, "[convolve] the {} is empty", what);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!(std::abs(x[i]) <= kLargestSample)) {
      fail(ErrorCode::invalid_argument, "[convolve] sample {} of the {} is {}: expected up to ±{}",
           i, what, x[i], kLargestSample);
    }
  }
}

bool is_silent(std::span<const float> x) {
  return std::all_of(x.begin(), x.end(), [](float v) { return v == 0.0F; });
}

/// One transform of the whole.
std::vector<float> convolve_fft(std::span<const float> x, std::span<const float> ir) {
  const std::size_t total = x.size() + ir.size() - 1;
  Fft fft(std::bit_ceil(std::max<std::size_t>(total, 2)));
  Array<float> time(fft.size());
  Array<float> a(fft.unordered_size());
  Array<float> b(fft.unordered_size());
  Array<float> product(fft.unordered_size());
  std::copy(x.begin(), x.end(), time.begin());
  fft.forward_unordered(time, a);
  std::fill(time.begin(), time.end(), 0.0F);
  std::copy(ir.begin(), ir.end(), time.begin());
  fft.forward_unordered(time, b);
  fft.multiply_accumulate(a, b, product);
  fft.inverse_unordered(product, time);
  return {time.begin(), time.begin() + total};
}

std::vector<float> convolve_streaming(std::span<const float> x, std::span<const float> ir,
                                      ConvolutionMethod method) {
  ConvolutionOptions options;
  options.method = method;
  Convolution convolution(ir, options);
  std::vector<float> out(x.size() + ir.size() - 1, 0.0F);
  std::copy(x.begin(), x.end(), out.begin());
  convolution.process(out, out);
  return out;
}

}  // namespace

ConvolveMethod choose_convolve_method(std::size_t samples, std::size_t ir_samples,
                                      const ConvolveOptions& options) {
  if (options.method != ConvolveMethod::automatic) return options.method;
  const auto [shorter, longer] = std::minmax(samples, ir_samples);
  if (shorter < options.fft_samples) return ConvolveMethod::direct;
  const double share = static_cast<double>(shorter) / static_cast<double>(longer);
  return share >= options.fft_share ? ConvolveMethod::fft : ConvolveMethod::partitioned;
}

std::vector<float> convolve(std::span<const float> x, std::span<const float> ir,
                            const ConvolveOptions& options) {
  check(x, "signal");
  check(ir, "response");
  if (is_silent(x) || is_silent(ir)) return std::vector<float>(x.size() + ir.size() - 1, 0.0F);
  // Either may be called the response: the shorter one costs less.
  if (ir.size() > x.size()) std::swap(x, ir);
  switch (choose_convolve_method(x.size(), ir.size(), options)) {
    case ConvolveMethod::fft:
      return convolve_fft(x, ir);
    case ConvolveMethod::partitioned:
      return convolve_streaming(x, ir, ConvolutionMethod::partitioned);
    default:
      return convolve_streaming(x, ir, ConvolutionMethod::direct);
  }
}

}  // namespace metalaudio::dsp
