#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/dconv_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/together-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/dconv_kernels.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#ifndef METALAUDIO_NN_CPU_DCONV_KERNELS_ONCE
#define METALAUDIO_NN_CPU_DCONV_KERNELS_ONCE
namespace metalaudio::nn::cpu {
constexpr std::size_t kTaps = 3;
constexpr std::size_t kHiddenTile = 6;  ///< hidden channels whose sums stay in registers
constexpr std::size_t kGramTile = 3;    ///< which divides the usual numbers of hidden channels
constexpr std::size_t kLineFloats = 16;
constexpr std::size_t kChainChannels = kGemmChain / kTaps;
}  // namespace metalaudio::nn::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

// Sums, a vector of every kind of input and the constants fit the register file.
#if HWY_TARGET == HWY_AVX3
constexpr std::size_t kConvVectors = 3;
#else
constexpr std::size_t kConvVectors = 2;
#endif
constexpr std::size_t kMostLanes = HWY_MAX_BYTES / sizeof(float);

/// Asks for memory that is read soon, a few lines at a time, so that they do not keep others waiting.
class NextLines {
 public:
  NextLines(const float* from, std::size_t floats, std::size_t calls)
      : at_(from),
        end_(from + floats),
        step_(kLineFloats * ((floats / kLineFloats + calls) / calls)) {}

  HWY_INLINE void fetch_some() {
    const float* const end = std::min(at_ + step_, end_);
    for (; at_ < end; at_ += kLineFloats) fetch_to_second_cache(at_);
  }

 private:
  const float* at_;
  const float* end_;
  std::size_t step_;
};

/// kHiddenTile hidden channels of kConvVectors vectors of positions. Sums start anew every
/// kChainChannels channels.
HWY_INLINE void convolve_tile(const HiddenConv& conv, const float* HWY_RESTRICT x,
                              const float* HWY_RESTRICT weights, std::size_t outputs,
                              float* HWY_RESTRICT to, std::size_t stride, NextLines& next) {
  constexpr std::size_t kSums = kHiddenTile * kConvVectors;
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float totals[kSums * kMostLanes];
  FloatVec sums[kSums];
  unrolled<kHiddenTile>([&](auto o) HWY_ATTR {
    const auto bias = hn::Set(d, weights[o]);
    unrolled<kConvVectors>([&](auto v) HWY_ATTR { sums[o * kConvVectors + v] = bias; });
  });
  weights += kHiddenTile;
  for (std::size_t c0 = 0;;) {
    const std::size_t end = std::min(c0 + kChainChannels, conv.channels);
    for (std::size_t c = c0; c < end; ++c, x += conv.x_stride) {
      next.fetch_some();
      const float* at = x;
      HWY_UNROLL(1)
      for (std::size_t tap = 0; tap < kTaps; ++tap) {
        FloatVec in[kConvVectors];
        unrolled<kConvVectors>([&](auto v) HWY_ATTR { in[v] = hn::LoadU(d, at + v * lanes); });
        unrolled<kHiddenTile>([&](auto o) HWY_ATTR {
          const auto w = hn::Set(d, weights[o]);
          unrolled<kConvVectors>([&](auto v) HWY_ATTR {
            sums[o * kConvVectors + v] = hn::MulAdd(w, in[v], sums[o * kConvVectors + v]);
          });
        });
        weights += kHiddenTile;
        at += conv.dilation;
      }
    }
    if (c0 > 0) {
      unrolled<kSums>(
          [&](auto i) HWY_ATTR { sums[i] = hn::Add(sums[i], hn::Load(d, totals + i * lanes)); });
    }
    c0 = end;
    if (c0 == conv.channels) break;
    unrolled<kSums>([&](auto i) HWY_ATTR {
      hn::Store(sums[i], d, totals + i * lanes);
      sums[i] = hn::Zero(d);
    });
  }
  unrolled<kHiddenTile>([&](auto o) HWY_ATTR {
    if (o >= outputs) return;
    unrolled<kConvVectors>([&](auto v) HWY_ATTR {
      hn::StoreU(sums[o * kConvVectors + v], d, to + o * stride + v * lanes);
    });
  });
}

void convolve(const HiddenConv& conv, std::size_t positions, float* hidden, std::size_t stride) {
  const std::size_t width = kConvVectors * hn::Lanes(FloatTag());
  const std::size_t tile_weights = kHiddenTile * (1 + kTaps * conv.channels);
  const float* weights = conv.weights;
  const std::size_t tiles =
      (conv.hidden_channels + kHiddenTile - 1) / kHiddenTile * ((positions + width - 1) / width);
  NextLines next(conv.next, conv.next_floats, std::max<std::size_t>(tiles * conv.channels, 1));
  for (std::size_t o = 0; o < conv.hidden_channels; o += kHiddenTile, weights += tile_weights) {
    const std::size_t outputs = std::min(kHiddenTile, conv.hidden_channels - o);
    for (std::size_t p = 0; p < positions; p += width) {
      convolve_tile(conv, conv.x + p, weights, outputs, hidden + o * stride + p, stride, next);
    }
  }
}

/// The sums of v and of v² over positions and a few channels, v the distance from `from`.
HWY_INLINE void sums_of_channels(const float* hidden, std::size_t stride, std::size_t channels,
                                 std::size_t positions, float from, double* sum, double* squares) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto origin = hn::Set(d, from);
  FloatVec sums[2] = {hn::Zero(d), hn::Zero(d)};
  FloatVec products[2] = {hn::Zero(d), hn::Zero(d)};
  const auto take = [&](FloatVec v, auto i) HWY_ATTR {
    sums[i] = hn::Add(sums[i], v);
    products[i] = hn::MulAdd(v, v, products[i]);
  };
  for (std::size_t c = 0; c < channels; ++c, hidden += stride) {
    std::size_t p = 0;
    for (; p + 2 * lanes <= positions; p += 2 * lanes) {
      unrolled<2>([&](auto i)
                      HWY_ATTR { take(hn::Sub(hn::LoadU(d, hidden + p + i * lanes), origin), i); });
    }
    for (; p < positions; p += lanes) {
      auto v = hn::Sub(hn::LoadU(d, hidden + p), origin);
      if (p + lanes > positions) v = hn::IfThenElseZero(hn::FirstN(d, positions - p), v);
      take(v, std::integral_constant<std::size_t, 0>());
    }
  }
  *sum += hn::GetLane(hn::SumOfLanes(d, hn::Add(sums[0], sums[1])));
  *squares += hn::GetLane(hn::SumOfLanes(d, hn::Add(products[0], products[1])));
}

/// About `from`, a lane adding up a few channels before they go to double.
void sums_of_hidden(const float* hidden, std::size_t stride, std::size_t channels,
                    std::size_t positions, float from, double* sum, double* squares) {
  constexpr std::size_t kTogether = 6;
  for (std::size_t c = 0; c < channels; c += kTogether) {
    sums_of_channels(hidden + c * stride, stride, std::min(kTogether, channels - c), positions,
                     from, sum, squares);
  }
}

void activate_rows(float* hidden, std::size_t stride, std::size_t channels, std::size_t positions,
                   const float* scale, const float* shift) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto activate = [&](auto count, float* at, FloatVec factor, FloatVec offset) HWY_ATTR {
    FloatVec x[count];
    unrolled<count>(
        [&](auto i) HWY_ATTR { x[i] = hn::MulAdd(hn::LoadU(d, at + i * lanes), factor, offset); });
    gelus<count>(x);
    unrolled<count>([&](auto i) HWY_ATTR { hn::StoreU(x[i], d, at + i * lanes); });
  };
  constexpr std::integral_constant<std::size_t, 3> kTogether;
  for (std::size_t c = 0; c < channels; ++c, hidden += stride) {
    const auto factor = hn::Set(d, scale[c]);
    const auto offset = hn::Set(d, shift[c]);
    std::size_t p = 0;
    for (; p + kTogether * lanes <= positions; p += kTogether * lanes) {
      activate(kTogether, hidden + p, factor, offset);
    }
    for (; p < positions; p += lanes) {
      activate(std::integral_constant<std::size_t, 1>(), hidden + p, factor, offset);
    }
  }
}

/// The sums over positions of kTile by kTile products.
template <std::size_t kTile>
HWY_INLINE void gram_tile(const float* a, const float* b, std::size_t stride, std::size_t positions,
                          double* to) {
  const FloatTag d;
  constexpr std::size_t kSums = kTile * kTile;
  FloatVec sums[kSums];
  unrolled<kSums>([&](auto i) HWY_ATTR { sums[i] = hn::Zero(d); });
  for (std::size_t p = 0; p < positions; p += hn::Lanes(d)) {
    FloatVec with[kTile];
    unrolled<kTile>([&](auto j) HWY_ATTR { with[j] = hn::Load(d, b + j * stride + p); });
    unrolled<kTile>([&](auto i) HWY_ATTR {
      const auto one = hn::Load(d, a + i * stride + p);
      unrolled<kTile>([&](auto j) HWY_ATTR {
        sums[i * kTile + j] = hn::MulAdd(one, with[j], sums[i * kTile + j]);
      });
    });
  }
  unrolled<kSums>([&](auto i) HWY_ATTR { to[i] = hn::GetLane(hn::SumOfLanes(d, sums[i])); });
}

template <std::size_t kTile>
HWY_INLINE void products_by_tiles(const float* hidden, std::size_t stride, std::size_t channels,
                                  std::size_t positions, const float* pivot,
                                  float* HWY_RESTRICT centred, double* sums, double* products) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t whole = (positions + lanes - 1) / lanes * lanes;
  const std::size_t padded = (channels + kTile - 1) / kTile * kTile;
  for (std::size_t c = 0; c < channels; ++c) {
    const auto from = hn::Set(d, pivot[c]);
    auto sum = hn::Zero(d);
    for (std::size_t p = 0; p < whole; p += lanes) {
      auto v = hn::Sub(hn::LoadU(d, hidden + c * stride + p), from);
      if (p + lanes > positions) v = hn::IfThenElseZero(hn::FirstN(d, positions - p), v);
      hn::Store(v, d, centred + c * whole + p);
      sum = hn::Add(sum, v);
    }
    sums[c] += hn::GetLane(hn::SumOfLanes(d, sum));
  }
  std::fill(centred + channels * whole, centred + padded * whole, 0.0F);
  double tile[kTile * kTile];
  for (std::size_t i0 = 0; i0 < channels; i0 += kTile) {
    for (std::size_t j0 = i0; j0 < channels; j0 += kTile) {
      gram_tile<kTile>(centred + i0 * whole, centred + j0 * whole, whole, whole, tile);
      const std::size_t rows = std::min(kTile, channels - i0);
      const std::size_t columns = std::min(kTile, channels - j0);
      for (std::size_t i = 0; i < rows; ++i) {
        double* to = products + (i0 + i) * channels + j0;
        for (std::size_t j = 0; j < columns; ++j) to[j] += tile[i * kTile + j];
      }
    }
  }
}

void products_of_rows(const float* hidden, std::size_t stride, std::size_t channels,
                      std::size_t positions, const float* pivot, float* centred, double* sums,
                      double* products) {
  // Six channels are two tiles of three; of many, larger tiles read less.
  if (channels == 6) {
    products_by_tiles<3>(hidden, stride, channels, positions, pivot, centred, sums, products);
  } else {
    products_by_tiles<4>(hidden, stride, channels, positions, pivot, centred, sums, products);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(convolve);
HWY_EXPORT(sums_of_hidden);
HWY_EXPORT(activate_rows);
HWY_EXPORT(products_of_rows);

std::size_t hidden_conv_floats(std::size_t hidden_channels, std::size_t channels) {
  return (hidden_channels + kHiddenTile - 1) / kHiddenTile * kHiddenTile * (1 + kTaps * channels);
}

void pack_hidden_conv(const float* weights, const float* bias, std::size_t hidden_channels,
                      std::size_t channels, float* to) {
  for (std::size_t o0 = 0; o0 < hidden_channels; o0 += kHiddenTile) {
    const auto put = [&](const auto& value_of) {
      for (std::size_t o = o0; o < o0 + kHiddenTile; ++o) {
        *to++ = o < hidden_channels ? value_of(o) : 0.0F;
      }
    };
    put([&](std::size_t o) { return bias[o]; });
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t tap = 0; tap < kTaps; ++tap) {
        put([&](std::size_t o) { return weights[(o * kTaps + tap) * channels + c]; });
      }
    }
  }
}

void convolve_hidden(const HiddenConv& conv, std::size_t positions, float* hidden,
                     std::size_t stride) {
  HWY_DYNAMIC_DISPATCH(convolve)(conv, positions, hidden, stride);
}

Moments hidden_moments(const float* hidden, std::size_t stride, std::size_t channels,
                       std::size_t positions) {
  const auto count = static_cast<double>(channels * positions);
  if (count == 0) return {};
  double sum = 0;
  double squares = 0;
  HWY_DYNAMIC_DISPATCH(sums_of_hidden)(hidden, stride, channels, positions, 0, &sum, &squares);
  const auto from = static_cast<float>(sum / count);
  sum = squares = 0;
  HWY_DYNAMIC_DISPATCH(sums_of_hidden)(hidden, stride, channels, positions, from, &sum, &squares);
  // Squares that leave the range of float need double.
  if (!std::isfinite(squares)) {
    return moments({hidden, static_cast<std::ptrdiff_t>(stride)}, channels, positions);
  }
  return {count, from + sum / count, std::max(0.0, squares - sum * sum / count)};
}

void activate_hidden(float* hidden, std::size_t stride, std::size_t channels, std::size_t positions,
                     const float* scale, const float* shift) {
  HWY_DYNAMIC_DISPATCH(activate_rows)(hidden, stride, channels, positions, scale, shift);
}

std::size_t centred_floats(std::size_t channels, std::size_t positions) {
  return (channels + 3) / 4 * 4 * ((positions + 15) / 16 * 16);
}

void add_products(const float* hidden, std::size_t stride, std::size_t channels,
                  std::size_t positions, const float* pivot, float* centred, double* sums,
                  double* products) {
  HWY_DYNAMIC_DISPATCH(products_of_rows)
  (hidden, stride, channels, positions, pivot, centred, sums, products);
}

}  // namespace metalaudio::nn::cpu
#endif
