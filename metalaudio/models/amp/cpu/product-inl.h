// Products of a chunk; included once per instruction set.
#if defined(METALAUDIO_MODELS_AMP_CPU_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_MODELS_AMP_CPU_PRODUCT_INL_H_
#undef METALAUDIO_MODELS_AMP_CPU_PRODUCT_INL_H_
#else
#define METALAUDIO_MODELS_AMP_CPU_PRODUCT_INL_H_
#endif

#include <hwy/highway.h>
#include <metalaudio/models/amp/cpu/chunk-inl.h>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::models::amp {
namespace HWY_NAMESPACE {

/// Keeps a value in a register: GCC would rather load it again for each product, and a vector that
/// crosses cache lines costs twice.
HWY_INLINE FloatVec held(FloatVec v) {
#if HWY_ARCH_X86 && HWY_COMPILER_GCC
  asm("" : "+v"(v.raw));
#endif
  return v;
}

/// kOutputs × kVectors sums stay in registers; each value is loaded once for all outputs, each
/// weight once for all vectors.
template <std::size_t kOutputs, std::size_t kVectors>
HWY_INLINE void product_tile(const Product& step, const Chunk& chunk, std::size_t first,
                             std::size_t frame, const float* HWY_RESTRICT weights) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec sums[kOutputs][kVectors];
  const float* bias = chunk.weights + step.bias + first;
  for (std::size_t m = 0; m < kOutputs; ++m) {
    const auto b = hn::Set(d, bias[m]);
    for (std::size_t n = 0; n < kVectors; ++n) sums[m][n] = b;
  }
  if (step.residual.channels > 0) {
    const float* x = chunk.at(step.residual, first) + frame;
    for (std::size_t m = 0; m < kOutputs; ++m, x += step.residual.stride) {
      for (std::size_t n = 0; n < kVectors; ++n)
        sums[m][n] = hn::Add(sums[m][n], hn::LoadU(d, x + n * lanes));
    }
  }
  const Tap* tap = chunk.taps + step.first_tap;
  for (const Tap* const end = tap + step.taps; tap != end; ++tap) {
    const float* HWY_RESTRICT x = chunk.past(*tap) + frame;
    const std::size_t stride = tap->plane.stride;
    for (std::size_t c = tap->plane.channels; c > 0; --c) {
      FloatVec values[kVectors];
      for (std::size_t n = 0; n < kVectors; ++n) values[n] = held(hn::LoadU(d, x + n * lanes));
      for (std::size_t m = 0; m < kOutputs; ++m) {
        const auto w = hn::Set(d, weights[m]);
        for (std::size_t n = 0; n < kVectors; ++n)
          sums[m][n] = hn::MulAdd(w, values[n], sums[m][n]);
      }
      x += stride;
      weights += kOutputs;
    }
  }
  if (step.rectified) {
    const auto slope = hn::Set(d, step.slope);
    for (std::size_t m = 0; m < kOutputs; ++m) {
      for (std::size_t n = 0; n < kVectors; ++n)
        sums[m][n] = hn::Max(sums[m][n], hn::Mul(sums[m][n], slope));
    }
  }
  if (step.sum.channels > 0) {
    float* sum = chunk.at(step.sum, first) + frame;
    for (std::size_t m = 0; m < kOutputs; ++m, sum += step.sum.stride) {
      for (std::size_t n = 0; n < kVectors; ++n) {
        const auto before = hn::LoadU(d, sum + n * lanes);
        hn::StoreU(step.first ? sums[m][n] : hn::Add(before, sums[m][n]), d, sum + n * lanes);
      }
    }
  }
  float* out = chunk.at(step.out, first) + frame;
  for (std::size_t m = 0; m < kOutputs; ++m, out += step.out.stride) {
    for (std::size_t n = 0; n < kVectors; ++n) hn::StoreU(sums[m][n], d, out + n * lanes);
  }
}

/// One block of outputs over all frames, in the widest tiles that the registers hold.
template <std::size_t kOutputs>
HWY_INLINE void product_block(const Product& step, const Chunk& chunk, std::size_t first,
                              const float* weights) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3;
  constexpr std::size_t kWide = kManyRegisters ? (kOutputs <= 4 ? 4 : 2) : (kOutputs <= 4 ? 2 : 1);
  std::size_t f = 0;
  for (; f + (kWide - 1) * lanes < chunk.frames; f += kWide * lanes)
    product_tile<kOutputs, kWide>(step, chunk, first, f, weights);
  if constexpr (kWide > 2) {
    for (; f + lanes < chunk.frames; f += 2 * lanes)
      product_tile<kOutputs, 2>(step, chunk, first, f, weights);
  }
  if constexpr (kWide > 1) {
    for (; f < chunk.frames; f += lanes) product_tile<kOutputs, 1>(step, chunk, first, f, weights);
  }
}

HWY_NOINLINE void product(const Product& step, const Chunk& chunk) {
  std::size_t depth = 0;
  for (std::size_t t = 0; t < step.taps; ++t)
    depth += chunk.taps[step.first_tap + t].plane.channels;
  const float* weights = chunk.weights + step.weights;
  std::size_t first = 0;
  for (; first + 8 <= step.out.channels; first += 8, weights += 8 * depth)
    product_block<8>(step, chunk, first, weights);
  switch (step.out.channels - first) {
    case 1:
      return product_block<1>(step, chunk, first, weights);
    case 2:
      return product_block<2>(step, chunk, first, weights);
    case 3:
      return product_block<3>(step, chunk, first, weights);
    case 4:
      return product_block<4>(step, chunk, first, weights);
    case 5:
      return product_block<5>(step, chunk, first, weights);
    case 6:
      return product_block<6>(step, chunk, first, weights);
    case 7:
      return product_block<7>(step, chunk, first, weights);
    default:
      return;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::models::amp
HWY_AFTER_NAMESPACE();

#endif
