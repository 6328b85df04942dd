#include <metalaudio/dsp/fft/cpu/fft_kernels.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/dsp/fft/cpu/fft_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <metalaudio/dsp/fft/cpu/real-inl.h>
#include <metalaudio/dsp/fft/cpu/real_lanes-inl.h>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

template <class T>
const FftKernels<T>* table() {
  static constexpr FftKernels<T> kTable = {
      HWY_MAX_BYTES / sizeof(T),
      lanes_split<T>,
      lanes_from_interleaved<T>,
      lanes_to_exchanged<T>,
      grid_split<T>,
      real_forward<T>,
      real_inverse<T>,
      deinterleave<T>,
      interleave<T>,
      separate_halves<T>,
      separate_halves_interleaved<T>,
      join_halves<T>,
      join_halves_interleaved<T>,
      multiply_accumulate<T>,
  };
  return &kTable;
}

const FftKernels<float>* table_float() { return table<float>(); }
const FftKernels<double>* table_double() { return table<double>(); }

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::dsp {

HWY_EXPORT(table_float);
HWY_EXPORT(table_double);

template <>
const FftKernels<float>& fft_kernels() {
  return *HWY_DYNAMIC_DISPATCH(table_float)();
}
template <>
const FftKernels<double>& fft_kernels() {
  return *HWY_DYNAMIC_DISPATCH(table_double)();
}

}  // namespace metalaudio::dsp
#endif
