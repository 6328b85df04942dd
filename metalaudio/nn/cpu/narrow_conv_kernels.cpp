#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/narrow_conv_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/narrow_conv_kernels.h>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

/// kVectors vectors of positions of one output, where positions are neighbours: one channel and
/// stride 1.
template <std::size_t kVectors>
HWY_INLINE void along_positions(const NarrowConv& conv, std::size_t output, std::size_t position) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec sums[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) sums[v] = hn::Set(d, conv.bias[output]);
  const float* w = conv.weights + output * conv.taps;
  const float* x = conv.x + position;
  for (std::size_t k = 0; k < conv.taps; ++k, x += conv.dilation) {
    const auto weight = hn::Set(d, w[k]);
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[v] = hn::MulAdd(weight, hn::LoadU(d, x + v * lanes), sums[v]);
    }
  }
  for (std::size_t v = 0; v < kVectors; ++v) {
    float* y = conv.y + (position + v * lanes) * conv.outputs + output;
    if (conv.outputs == 1) {
      hn::StoreU(sums[v], d, y);
      continue;
    }
    HWY_ALIGN float values[HWY_MAX_BYTES / sizeof(float)];
    hn::Store(sums[v], d, values);
    for (std::size_t i = 0; i < lanes; ++i) y[i * conv.outputs] = values[i];
  }
}

/// The first `count` values, zeros after them. Wide registers have masks that read no more than
/// that.
HWY_INLINE FloatVec load_tail(const float* from, std::size_t count) {
  const FloatTag d;
#if HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(d, count), d, from);
#else
  return load_first(d, from, count);
#endif
}

/// kPositions positions of one output, along taps and channels. With dilation 1 all taps of a
/// position are neighbours.
template <std::size_t kPositions>
HWY_INLINE void along_taps(const NarrowConv& conv, std::size_t output, std::size_t position) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const bool whole = conv.dilation == 1;
  const std::size_t runs = whole ? 1 : conv.taps;
  const std::size_t run = whole ? conv.taps * conv.channels : conv.channels;
  const std::size_t step = conv.stride * conv.channels;
  const float* w = conv.weights + output * conv.taps * conv.channels;
  const float* x = conv.x + position * step;
  FloatVec sums[kPositions];
  for (std::size_t p = 0; p < kPositions; ++p) sums[p] = hn::Zero(d);
  for (std::size_t r = 0; r < runs; ++r, w += run, x += conv.dilation * conv.channels) {
    std::size_t i = 0;
    for (; i + lanes <= run; i += lanes) {
      const auto weight = hn::LoadU(d, w + i);
      HWY_UNROLL(4)
      for (std::size_t p = 0; p < kPositions; ++p) {
        sums[p] = hn::MulAdd(weight, hn::LoadU(d, x + p * step + i), sums[p]);
      }
    }
    if (i == run) continue;
    const auto weight = load_tail(w + i, run - i);
    for (std::size_t p = 0; p < kPositions; ++p) {
      sums[p] = hn::MulAdd(weight, load_tail(x + p * step + i, run - i), sums[p]);
    }
  }
  for (std::size_t p = 0; p < kPositions; ++p) {
    conv.y[(position + p) * conv.outputs + output] =
        conv.bias[output] + hn::GetLane(hn::SumOfLanes(d, sums[p]));
  }
}

template <std::size_t kTile>
void run(const NarrowConv& conv) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  const bool neighbours = conv.channels == 1 && conv.stride == 1;
  for (std::size_t output = 0; output < conv.outputs; ++output) {
    std::size_t position = 0;
    if (neighbours) {
      for (; position + kTile * lanes <= conv.positions; position += kTile * lanes) {
        along_positions<kTile>(conv, output, position);
      }
      for (; position + lanes <= conv.positions; position += lanes) {
        along_positions<1>(conv, output, position);
      }
    }
    for (; position + kTile <= conv.positions; position += kTile) {
      along_taps<kTile>(conv, output, position);
    }
    for (; position < conv.positions; ++position) along_taps<1>(conv, output, position);
  }
}

void basic(const NarrowConv& conv) { run<1>(conv); }
void tiled(const NarrowConv& conv) { run<4>(conv); }

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(basic);
HWY_EXPORT(tiled);

void narrow_conv_basic(const NarrowConv& conv) { HWY_DYNAMIC_DISPATCH(basic)(conv); }
void narrow_conv_tiled(const NarrowConv& conv) { HWY_DYNAMIC_DISPATCH(tiled)(conv); }

}  // namespace metalaudio::nn::cpu
#endif
