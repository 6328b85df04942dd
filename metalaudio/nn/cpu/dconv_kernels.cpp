#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/dconv_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/dconv_kernels.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>

#include <algorithm>
#include <cmath>

#ifndef METALAUDIO_NN_CPU_DCONV_KERNELS_ONCE
#define METALAUDIO_NN_CPU_DCONV_KERNELS_ONCE
namespace metalaudio::nn::cpu {
constexpr std::size_t kTaps = 3;
constexpr std::size_t kHiddenTile = 6;  ///< hidden channels whose sums stay in registers
constexpr std::size_t kChainChannels = kGemmChain / kTaps;
}  // namespace metalaudio::nn::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

// Sums, a vector of every kind of input and the constants fit the register file.
#if HWY_TARGET == HWY_AVX3
constexpr std::size_t kConvVectors = 3;
constexpr std::size_t kGateRows = 12;
#else
constexpr std::size_t kConvVectors = 2;
constexpr std::size_t kGateRows = 6;
#endif
constexpr std::size_t kMostLanes = HWY_MAX_BYTES / sizeof(float);

/// kHiddenTile hidden channels of kConvVectors vectors of positions. Sums start anew every
/// kChainChannels channels.
HWY_INLINE void convolve_tile(const HiddenConv& conv, const float* x, const float* weights,
                              std::size_t outputs, float* to, std::size_t stride) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float totals[kHiddenTile * kConvVectors * kMostLanes];
  const float* bias = weights;
  weights += kHiddenTile;
  FloatVec sums[kHiddenTile * kConvVectors];
  HWY_UNROLL(6)
  for (std::size_t o = 0; o < kHiddenTile; ++o) {
    for (std::size_t v = 0; v < kConvVectors; ++v) {
      sums[o * kConvVectors + v] = hn::Set(d, bias[o]);
    }
  }
  for (std::size_t c0 = 0;;) {
    const std::size_t end = std::min(c0 + kChainChannels, conv.channels);
    for (std::size_t c = c0; c < end; ++c) {
      for (std::size_t tap = 0; tap < kTaps; ++tap) {
        FloatVec in[kConvVectors];
        for (std::size_t v = 0; v < kConvVectors; ++v) {
          in[v] = hn::LoadU(d, x + tap * conv.dilation + v * lanes);
        }
        HWY_UNROLL(6)
        for (std::size_t o = 0; o < kHiddenTile; ++o) {
          const auto w = hn::Set(d, weights[o]);
          for (std::size_t v = 0; v < kConvVectors; ++v) {
            sums[o * kConvVectors + v] = hn::MulAdd(w, in[v], sums[o * kConvVectors + v]);
          }
        }
        weights += kHiddenTile;
      }
      x += conv.x_stride;
    }
    if (c0 > 0) {
      HWY_UNROLL(18)
      for (std::size_t i = 0; i < kHiddenTile * kConvVectors; ++i) {
        sums[i] = hn::Add(sums[i], hn::Load(d, totals + i * lanes));
      }
    }
    c0 = end;
    if (c0 == conv.channels) break;
    HWY_UNROLL(18)
    for (std::size_t i = 0; i < kHiddenTile * kConvVectors; ++i) {
      hn::Store(sums[i], d, totals + i * lanes);
      sums[i] = hn::Zero(d);
    }
  }
  HWY_UNROLL(6)
  for (std::size_t o = 0; o < kHiddenTile; ++o) {
    if (o >= outputs) break;
    for (std::size_t v = 0; v < kConvVectors; ++v) {
      hn::StoreU(sums[o * kConvVectors + v], d, to + o * stride + v * lanes);
    }
  }
}

void convolve(const HiddenConv& conv, std::size_t positions, float* hidden, std::size_t stride) {
  const std::size_t width = kConvVectors * hn::Lanes(FloatTag());
  const std::size_t tile_weights = kHiddenTile * (1 + kTaps * conv.channels);
  const float* weights = conv.weights;
  for (std::size_t o = 0; o < conv.hidden_channels; o += kHiddenTile, weights += tile_weights) {
    const std::size_t outputs = std::min(kHiddenTile, conv.hidden_channels - o);
    for (std::size_t p = 0; p < positions; p += width) {
      convolve_tile(conv, conv.x + p, weights, outputs, hidden + o * stride + p, stride);
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
  for (std::size_t c = 0; c < channels; ++c, hidden += stride) {
    for (std::size_t p = 0, i = 0; p < positions; p += lanes, i ^= 1) {
      auto v = hn::Sub(hn::LoadU(d, hidden + p), origin);
      if (p + lanes > positions) v = hn::IfThenElseZero(hn::FirstN(d, positions - p), v);
      sums[i] = hn::Add(sums[i], v);
      products[i] = hn::MulAdd(v, v, products[i]);
    }
  }
  *sum += hn::GetLane(hn::SumOfLanes(d, hn::Add(sums[0], sums[1])));
  *squares += hn::GetLane(hn::SumOfLanes(d, hn::Add(products[0], products[1])));
}

/// About `from`, a lane adding up a few channels before they go to double.
void sums_of_hidden(const float* hidden, std::size_t stride, std::size_t channels,
                    std::size_t positions, float from, double* sum, double* squares) {
  constexpr std::size_t kTogether = 4;
  for (std::size_t c = 0; c < channels; c += kTogether) {
    sums_of_channels(hidden + c * stride, stride, std::min(kTogether, channels - c), positions,
                     from, sum, squares);
  }
}

void activate_rows(float* hidden, std::size_t stride, std::size_t channels, std::size_t positions,
                   const float* scale, const float* shift) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t c = 0; c < channels; ++c, hidden += stride) {
    const auto factor = hn::Set(d, scale[c]);
    const auto offset = hn::Set(d, shift[c]);
    for (std::size_t p = 0; p < positions; p += lanes) {
      hn::StoreU(gelu(d, hn::MulAdd(hn::LoadU(d, hidden + p), factor, offset)), d, hidden + p);
    }
  }
}

constexpr std::size_t kGramTile = 4;

/// The sums over positions of kGramTile by kGramTile products.
HWY_INLINE void gram_tile(const float* a, const float* b, std::size_t stride, std::size_t positions,
                          double* to) {
  const FloatTag d;
  FloatVec sums[kGramTile * kGramTile];
  for (auto& sum : sums) sum = hn::Zero(d);
  for (std::size_t p = 0; p < positions; p += hn::Lanes(d)) {
    FloatVec with[kGramTile];
    for (std::size_t j = 0; j < kGramTile; ++j) with[j] = hn::Load(d, b + j * stride + p);
    HWY_UNROLL(4)
    for (std::size_t i = 0; i < kGramTile; ++i) {
      const auto one = hn::Load(d, a + i * stride + p);
      for (std::size_t j = 0; j < kGramTile; ++j) {
        sums[i * kGramTile + j] = hn::MulAdd(one, with[j], sums[i * kGramTile + j]);
      }
    }
  }
  for (std::size_t i = 0; i < kGramTile * kGramTile; ++i) {
    to[i] = hn::GetLane(hn::SumOfLanes(d, sums[i]));
  }
}

void products_of_rows(const float* hidden, std::size_t stride, std::size_t channels,
                      std::size_t positions, const float* pivot, float* HWY_RESTRICT centred,
                      double* sums, double* products) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t whole = (positions + lanes - 1) / lanes * lanes;
  const std::size_t padded = (channels + kGramTile - 1) / kGramTile * kGramTile;
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
  double tile[kGramTile * kGramTile];
  for (std::size_t i0 = 0; i0 < channels; i0 += kGramTile) {
    for (std::size_t j0 = i0; j0 < channels; j0 += kGramTile) {
      gram_tile(centred + i0 * whole, centred + j0 * whole, whole, whole, tile);
      const std::size_t rows = std::min(kGramTile, channels - i0);
      const std::size_t columns = std::min(kGramTile, channels - j0);
      for (std::size_t i = 0; i < rows; ++i) {
        double* to = products + (i0 + i) * channels + j0;
        for (std::size_t j = 0; j < columns; ++j) to[j] += tile[i * kGramTile + j];
      }
    }
  }
}

std::size_t lanes_of_gate() { return hn::Lanes(FloatTag()); }

/// kGateRows positions of one panel, which is one vector of columns and one of gates:
/// tile[kGateRows][two vectors]. Sums start anew every kGemmChain channels.
HWY_INLINE void gate_tile(const HiddenGate& gate, const float* hidden, const float* panel,
                          float* HWY_RESTRICT tile) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  // Once at least: without hidden channels the sums are zero.
  for (std::size_t k0 = 0; k0 == 0 || k0 < gate.hidden_channels; k0 += kGemmChain) {
    const std::size_t count = std::min(kGemmChain, gate.hidden_channels - k0);
    FloatVec sums[kGateRows * 2];
    for (auto& sum : sums) sum = hn::Zero(d);
    for (std::size_t k = 0; k < count; ++k) {
      const auto low = hn::LoadU(d, panel);
      const auto high = hn::LoadU(d, panel + lanes);
      HWY_UNROLL(12)
      for (std::size_t r = 0; r < kGateRows; ++r) {
        const auto x = hn::Set(d, hidden[r]);
        sums[2 * r] = hn::MulAdd(x, low, sums[2 * r]);
        sums[2 * r + 1] = hn::MulAdd(x, high, sums[2 * r + 1]);
      }
      panel += 2 * lanes;
      hidden += gate.stride;
    }
    HWY_UNROLL(24)
    for (std::size_t i = 0; i < kGateRows * 2; ++i) {
      if (k0 > 0) sums[i] = hn::Add(sums[i], hn::Load(d, tile + i * lanes));
      hn::Store(sums[i], d, tile + i * lanes);
    }
  }
}

void gate_rows(const HiddenGate& gate, std::size_t positions) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float tile[kGateRows * 2 * kMostLanes];
  const std::size_t panel_size = gate.hidden_channels * 2 * lanes;
  const float* panel = gate.weights;
  for (std::size_t c = 0; c < gate.channels; c += lanes, panel += panel_size) {
    const std::size_t columns = std::min(lanes, gate.channels - c);
    const auto low_scale = hn::LoadU(d, gate.scale + 2 * c);
    const auto high_scale = hn::LoadU(d, gate.scale + 2 * c + lanes);
    const auto low_shift = hn::LoadU(d, gate.shift + 2 * c);
    const auto high_shift = hn::LoadU(d, gate.shift + 2 * c + lanes);
    for (std::size_t p = 0; p < positions; p += kGateRows) {
      gate_tile(gate, gate.hidden + p, panel, tile);
      const std::size_t rows = std::min(kGateRows, positions - p);
      const float* x = gate.x + p * gate.channels + c;
      float* y = gate.y + p * gate.channels + c;
      for (std::size_t r = 0; r < rows; ++r, x += gate.channels, y += gate.channels) {
        const auto low = hn::MulAdd(hn::Load(d, tile + 2 * r * lanes), low_scale, low_shift);
        const auto high =
            hn::MulAdd(hn::Load(d, tile + (2 * r + 1) * lanes), high_scale, high_shift);
        const auto open = sigmoid(d, high);
        if (columns == lanes) {
          hn::StoreU(hn::MulAdd(low, open, hn::LoadU(d, x)), d, y);
        } else {
          store_first(d, hn::MulAdd(low, open, load_first(d, x, columns)), y, columns);
        }
      }
    }
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
HWY_EXPORT(lanes_of_gate);
HWY_EXPORT(gate_rows);

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

std::size_t gate_place(std::size_t n, std::size_t channels) {
  const std::size_t lanes = HWY_DYNAMIC_DISPATCH(lanes_of_gate)();
  const std::size_t c = n % channels;
  return c / lanes * 2 * lanes + n / channels * lanes + c % lanes;
}

std::size_t gate_columns(std::size_t channels) {
  const std::size_t lanes = HWY_DYNAMIC_DISPATCH(lanes_of_gate)();
  return (channels + lanes - 1) / lanes * 2 * lanes;
}

void pack_gate(const float* weights, std::size_t hidden_channels, std::size_t channels, float* to) {
  const std::size_t width = 2 * HWY_DYNAMIC_DISPATCH(lanes_of_gate)();
  std::fill_n(to, gate_columns(channels) * hidden_channels, 0.0F);
  for (std::size_t n = 0; n < 2 * channels; ++n) {
    const std::size_t place = gate_place(n, channels);
    float* panel = to + place / width * width * hidden_channels + place % width;
    for (std::size_t k = 0; k < hidden_channels; ++k) {
      panel[k * width] = weights[n * hidden_channels + k];
    }
  }
}

void gate_hidden(const HiddenGate& gate, std::size_t positions) {
  HWY_DYNAMIC_DISPATCH(gate_rows)(gate, positions);
}

}  // namespace metalaudio::nn::cpu
#endif
