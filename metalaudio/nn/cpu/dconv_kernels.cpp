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
#include <type_traits>
#include <utility>

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
constexpr std::size_t kGateRows = 6;
#else
constexpr std::size_t kConvVectors = 2;
constexpr std::size_t kGateRows = 6;
#endif
constexpr std::size_t kMostLanes = HWY_MAX_BYTES / sizeof(float);

/// Calls body with 0 to kCount - 1 as constants, so that arrays of vectors stay in registers.
template <std::size_t kCount, typename Body>
HWY_INLINE void unrolled(Body&& body) {
  [&]<std::size_t... i>(std::index_sequence<i...>) HWY_ATTR {
    (body(std::integral_constant<std::size_t, i>()), ...);
  }
  (std::make_index_sequence<kCount>());
}

/// kHiddenTile hidden channels of kConvVectors vectors of positions. Sums start anew every
/// kChainChannels channels.
HWY_INLINE void convolve_tile(const HiddenConv& conv, const float* HWY_RESTRICT x,
                              const float* HWY_RESTRICT weights, std::size_t outputs,
                              float* HWY_RESTRICT to, std::size_t stride) {
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

/// y = 1 / (1 + 2^y) for each of kCount vectors, step by step for all, so that they do not wait for
/// one another. Error: 2 ulp for y up to 126, from where on it does not fall.
template <std::size_t kCount>
HWY_INLINE void open_gates(FloatVec* y) {
  const FloatTag d;
  const auto one = hn::Set(d, 1.0F);
  const auto each = [](const auto& body) HWY_ATTR { unrolled<kCount>(body); };
  // y = n + f. Adding 1.5 · 2^23 rounds to an integer; 2^f is the minimax fit (3e-9). In this order
  // minimum and maximum keep NaN.
  const auto magic = hn::Set(d, 12582912.0F);
  FloatVec n[kCount];
  FloatVec p[kCount];
  each([&](auto i) HWY_ATTR { y[i] = hn::Min(hn::Set(d, 126.0F), y[i]); });
#if HWY_TARGET != HWY_AVX3
  each([&](auto i) HWY_ATTR { y[i] = hn::Max(hn::Set(d, -126.0F), y[i]); });
#endif
  each([&](auto i) HWY_ATTR { n[i] = hn::Add(y[i], magic); });
  each([&](auto i) HWY_ATTR { n[i] = hn::Sub(n[i], magic); });
  each([&](auto i) HWY_ATTR { y[i] = hn::Sub(y[i], n[i]); });
  each([&](auto i) HWY_ATTR {
    p[i] = hn::MulAdd(hn::Set(d, 1.532647e-4F), y[i], hn::Set(d, 1.33908074e-3F));
  });
  const auto add = [&](float c) HWY_ATTR {
    const auto coefficient = hn::Set(d, c);
    each([&](auto i) HWY_ATTR { p[i] = hn::MulAdd(p[i], y[i], coefficient); });
  };
  add(9.61850584e-3F);
  add(0.0555035993F);
  add(0.240226477F);
  add(0.693147182F);
  add(1.0F);
#if HWY_TARGET == HWY_AVX3
  each([&](auto i) HWY_ATTR { p[i] = FloatVec{_mm512_scalef_ps(p[i].raw, n[i].raw)}; });
  each([&](auto i) HWY_ATTR { p[i] = hn::Add(p[i], one); });
  each([&](auto i) HWY_ATTR { y[i] = FloatVec{_mm512_rcp14_ps(p[i].raw)}; });
  each([&](auto i) HWY_ATTR { p[i] = hn::NegMulAdd(p[i], y[i], one); });
  each([&](auto i) HWY_ATTR { y[i] = hn::MulAdd(p[i], y[i], y[i]); });
#else
  const hn::RebindToSigned<FloatTag> di;
  each([&](auto i) HWY_ATTR {
    const auto exponent = hn::Add(hn::NearestInt(n[i]), hn::Set(di, 127));
    const auto power = hn::BitCast(d, hn::ShiftLeft<23>(exponent));
    y[i] = hn::Div(one, hn::MulAdd(p[i], power, one));
  });
#endif
}

/// Sums of kGateRows positions, of one vector of columns and one of gates; `low` and `high` begin
/// with what they start from. Sums start anew every kGemmChain channels.
HWY_INLINE void multiply_gate(const HiddenGate& gate, const float* HWY_RESTRICT hidden,
                              const float* HWY_RESTRICT panel, FloatVec* low, FloatVec* high) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto add_up = [&](std::size_t count) HWY_ATTR {
    for (std::size_t k = 0; k < count; ++k) {
      const auto w = hn::LoadU(d, panel);
      const auto v = hn::LoadU(d, panel + lanes);
      unrolled<kGateRows>([&](auto r) HWY_ATTR {
        const auto h = hn::Set(d, hidden[r]);
        low[r] = hn::MulAdd(h, w, low[r]);
        high[r] = hn::MulAdd(h, v, high[r]);
      });
      panel += 2 * lanes;
      hidden += gate.stride;
    }
  };
  std::size_t left = gate.hidden_channels;
  for (; left > kGemmChain; left -= kGemmChain) {
    FloatVec totals[2 * kGateRows];
    unrolled<kGateRows>([&](auto r) HWY_ATTR {
      totals[2 * r] = low[r];
      totals[2 * r + 1] = high[r];
      low[r] = high[r] = hn::Zero(d);
    });
    add_up(kGemmChain);
    unrolled<kGateRows>([&](auto r) HWY_ATTR {
      low[r] = hn::Add(low[r], totals[2 * r]);
      high[r] = hn::Add(high[r], totals[2 * r + 1]);
    });
  }
  add_up(left);
}

template <bool kWhole>
HWY_INLINE void gate_tile(const HiddenGate& gate, const float* HWY_RESTRICT hidden,
                          const float* HWY_RESTRICT panel, const float* scale, const float* shift,
                          const float* x, float* y, std::size_t rows, std::size_t columns) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec low[kGateRows];
  FloatVec high[kGateRows];
  unrolled<kGateRows>([&](auto r) HWY_ATTR { low[r] = high[r] = hn::Zero(d); });
  multiply_gate(gate, hidden, panel, low, high);
  const auto low_scale = hn::LoadU(d, scale);
  const auto high_scale = hn::LoadU(d, scale + lanes);
  const auto low_shift = hn::LoadU(d, shift);
  const auto high_shift = hn::LoadU(d, shift + lanes);
  unrolled<kGateRows>([&](auto r) HWY_ATTR {
    low[r] = hn::MulAdd(low[r], low_scale, low_shift);
    high[r] = hn::MulAdd(high[r], high_scale, high_shift);
  });
  open_gates<kGateRows / 2>(high);
  open_gates<kGateRows / 2>(high + kGateRows / 2);
  unrolled<kGateRows>([&](auto r) HWY_ATTR {
    if (!kWhole && r >= rows) return;
    const float* from = x + r * gate.channels;
    float* to = y + r * gate.channels;
    if (kWhole || columns == lanes) {
      hn::StoreU(hn::MulAdd(low[r], high[r], hn::LoadU(d, from)), d, to);
    } else {
      store_first(d, hn::MulAdd(low[r], high[r], load_first(d, from, columns)), to, columns);
    }
  });
}

void gate_rows(const HiddenGate& gate, std::size_t positions) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t panel_size = gate.hidden_channels * 2 * lanes;
  const float* panel = gate.weights;
  for (std::size_t c = 0; c < gate.channels; c += lanes, panel += panel_size) {
    const std::size_t columns = std::min(lanes, gate.channels - c);
    std::size_t p = 0;
    const float* x = gate.x + c;
    float* y = gate.y + c;
    if (columns == lanes) {
      for (; p + kGateRows <= positions; p += kGateRows) {
        gate_tile<true>(gate, gate.hidden + p, panel, gate.scale + 2 * c, gate.shift + 2 * c, x, y,
                        kGateRows, lanes);
        x += kGateRows * gate.channels;
        y += kGateRows * gate.channels;
      }
    }
    for (; p < positions; p += kGateRows) {
      gate_tile<false>(gate, gate.hidden + p, panel, gate.scale + 2 * c, gate.shift + 2 * c, x, y,
                       std::min(kGateRows, positions - p), columns);
      x += kGateRows * gate.channels;
      y += kGateRows * gate.channels;
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
