#include <metalaudio/core/error.h>
#include <metalaudio/dsp/fft/fft_impl.h>

namespace metalaudio::dsp {

namespace {
[[noreturn]] void refuse(std::size_t size) {
  fail(ErrorCode::backend_unavailable, "[Fft] size {} on CUDA: this build has no CUDA", size);
}
}  // namespace

bool fft_cuda_available() noexcept { return false; }

template <typename T>
std::unique_ptr<const FftImpl<T>> make_fft_cuda(std::size_t size) {
  refuse(size);
}
template <typename T>
std::unique_ptr<const ComplexFftImpl<T>> make_complex_fft_cuda(std::size_t size) {
  refuse(size);
}

template std::unique_ptr<const FftImpl<float>> make_fft_cuda(std::size_t);
template std::unique_ptr<const FftImpl<double>> make_fft_cuda(std::size_t);
template std::unique_ptr<const ComplexFftImpl<float>> make_complex_fft_cuda(std::size_t);
template std::unique_ptr<const ComplexFftImpl<double>> make_complex_fft_cuda(std::size_t);

}  // namespace metalaudio::dsp
