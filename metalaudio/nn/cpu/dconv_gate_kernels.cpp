#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/dconv_gate_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/together-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/dconv_kernels.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

constexpr std::size_t kGateRows = 6;

std::size_t lanes_of_gate() { return hn::Lanes(FloatTag()); }

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
    fetch_to_second_cache(from + gate.ahead);
    fetch_to_second_cache(to + gate.y_ahead);
    if (kWhole || columns == lanes) {
      hn::StoreU(hn::MulAdd(low[r], high[r], hn::LoadU(d, from)), d, to);
    } else {
      store_first(d, hn::MulAdd(low[r], high[r], load_first(d, from, columns)), to, columns);
    }
  });
}

/// One panel, of so many columns, for a few positions.
HWY_INLINE void gate_panel(const HiddenGate& gate, std::size_t first, std::size_t end,
                           std::size_t c, std::size_t columns) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  const float* const panel = gate.weights + 2 * c * gate.hidden_channels;
  const float* const scale = gate.scale + 2 * c;
  const float* const shift = gate.shift + 2 * c;
  const float* x = gate.x + first * gate.channels + c;
  float* y = gate.y + first * gate.channels + c;
  const std::size_t step = kGateRows * gate.channels;
  std::size_t p = first;
  if (columns == lanes) {
    for (; p + kGateRows <= end; p += kGateRows, x += step, y += step) {
      gate_tile<true>(gate, gate.hidden + p, panel, scale, shift, x, y, kGateRows, lanes);
    }
  }
  for (; p < end; p += kGateRows, x += step, y += step) {
    gate_tile<false>(gate, gate.hidden + p, panel, scale, shift, x, y, std::min(kGateRows, end - p),
                     columns);
  }
}

void gate_rows(const HiddenGate& of, std::size_t positions) {
  const HiddenGate gate = of;  // nothing that is written to y changes it
  const std::size_t lanes = hn::Lanes(FloatTag());
  // Positions one after the other, as the processor fetches memory by itself; but weights that do
  // not stay in the first cache are read once for all positions.
  constexpr std::size_t kSmallWeights = 4096;
  const bool small = 2 * gate.channels * gate.hidden_channels <= kSmallWeights;
  const std::size_t group = small ? 4 * kGateRows : std::max<std::size_t>(positions, 1);
  for (std::size_t p = 0; p < positions; p += group) {
    for (std::size_t c = 0; c < gate.channels; c += lanes) {
      gate_panel(gate, p, std::min(p + group, positions), c, std::min(lanes, gate.channels - c));
    }
  }
}

/// kCount vectors of one row from column c on, the last of them of so many columns.
template <std::size_t kCount>
HWY_INLINE void gate_columns_of(const WideGate& gate, const float* products, const float* x,
                                float* y, std::size_t c, std::size_t columns) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec low[kCount];
  FloatVec high[kCount];
  unrolled<kCount>([&](auto i) HWY_ATTR {
    const auto affine = [&](std::size_t at) HWY_ATTR {
      if (kCount == 1 && columns < lanes) {
        return hn::MulAdd(load_first(d, products + at, columns),
                          load_first(d, gate.scale + at, columns),
                          load_first(d, gate.shift + at, columns));
      }
      return hn::MulAdd(hn::LoadU(d, products + at), hn::LoadU(d, gate.scale + at),
                        hn::LoadU(d, gate.shift + at));
    };
    low[i] = affine(c + i * lanes);
    high[i] = affine(gate.channels + c + i * lanes);
  });
  open_gates<kCount>(high);
  unrolled<kCount>([&](auto i) HWY_ATTR {
    const std::size_t at = c + i * lanes;
    if (kCount == 1 && columns < lanes) {
      store_first(d, hn::MulAdd(low[i], high[i], load_first(d, x + at, columns)), y + at, columns);
    } else {
      hn::StoreU(hn::MulAdd(low[i], high[i], hn::LoadU(d, x + at)), d, y + at);
    }
  });
}

void gate_wide(const WideGate& of, std::size_t positions) {
  const WideGate gate = of;  // nothing that is written to y changes it
  constexpr std::size_t kTogether = 4;
  const std::size_t lanes = hn::Lanes(FloatTag());
  for (std::size_t p = 0; p < positions; ++p) {
    const float* const products = gate.products + p * 2 * gate.channels;
    const float* const x = gate.x + p * gate.channels;
    float* const y = gate.y + p * gate.channels;
    std::size_t c = 0;
    for (; c + kTogether * lanes <= gate.channels; c += kTogether * lanes) {
      gate_columns_of<kTogether>(gate, products, x, y, c, lanes);
    }
    for (; c < gate.channels; c += lanes) {
      gate_columns_of<1>(gate, products, x, y, c, std::min(lanes, gate.channels - c));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(lanes_of_gate);
HWY_EXPORT(gate_rows);
HWY_EXPORT(gate_wide);

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

void gate_products(const WideGate& gate, std::size_t positions) {
  HWY_DYNAMIC_DISPATCH(gate_wide)(gate, positions);
}

}  // namespace metalaudio::nn::cpu
#endif
