#include <metalaudio/dsp/biquad/cpu/biquad_kernels.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/dsp/biquad/cpu/biquad_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <metalaudio/dsp/biquad/cpu/chain-inl.h>
#include <metalaudio/dsp/biquad/cpu/lanes-inl.h>
#include <metalaudio/dsp/biquad/cpu/tiles-inl.h>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::dsp::HWY_NAMESPACE {

const BiquadKernels* biquad_table() {
  static constexpr BiquadKernels kTable = {
      HWY_MAX_BYTES / sizeof(double),
      chain,
      widen,
      narrow,
      lanes,
      gather,
      scatter,
      load_rows,
      store_rows,
  };
  return &kTable;
}

}  // namespace metalaudio::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::dsp {

HWY_EXPORT(biquad_table);

const BiquadKernels& biquad_kernels() { return *HWY_DYNAMIC_DISPATCH(biquad_table)(); }

}  // namespace metalaudio::dsp
#endif
