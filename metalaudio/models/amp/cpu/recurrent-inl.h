// LSTM and GRU layers over a chunk; included once per instruction set.
#if defined(METALAUDIO_MODELS_AMP_CPU_RECURRENT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_MODELS_AMP_CPU_RECURRENT_INL_H_
#undef METALAUDIO_MODELS_AMP_CPU_RECURRENT_INL_H_
#else
#define METALAUDIO_MODELS_AMP_CPU_RECURRENT_INL_H_
#endif

#include <hwy/highway.h>
#include <metalaudio/models/amp/cpu/chunk-inl.h>

#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::models::amp {
namespace HWY_NAMESPACE {

template <bool kFast>
HWY_INLINE FloatVec gate_tanh(FloatTag d, FloatVec v) {
  if constexpr (kFast) return math::fast_tanh(d, v);
  return math::tanh(d, v);
}

/// Of twice v.
template <bool kFast>
HWY_INLINE FloatVec gate_sigmoid(FloatTag d, FloatVec v) {
  const auto half = hn::Set(d, 0.5F);
  return hn::MulAdd(half, gate_tanh<kFast>(d, v), half);
}

/// Where one frame of a layer works: its weights, the units before it and those that it makes.
struct Cell {
  const float* HWY_RESTRICT input_weights;
  const float* HWY_RESTRICT weights;
  const float* HWY_RESTRICT bias;
  const float* HWY_RESTRICT hidden_bias;
  const float* x;
  std::size_t inputs;
  std::size_t input_stride;
  const float* before;
  std::size_t units;
  std::size_t padded;
  float* c;
  float* h;
};

/// sums[gate][vector] of kUnits vectors of units from `first` on, over the units before. kChains
/// sums each, so that the additions do not wait for one another.
template <std::size_t kGates, std::size_t kUnits, std::size_t kChains>
HWY_INLINE void gate_sums(const Cell& cell, std::size_t first, FloatVec (&sums)[kGates][kUnits]) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec chains[kChains][kGates][kUnits];
  for (std::size_t g = 0; g < kGates; ++g) {
    for (std::size_t u = 0; u < kUnits; ++u) {
      chains[0][g][u] = sums[g][u];
      for (std::size_t n = 1; n < kChains; ++n) chains[n][g][u] = hn::Zero(d);
    }
  }
  const float* HWY_RESTRICT w = cell.weights + first;
  for (std::size_t k = 0; k < cell.units; k += kChains) {
    for (std::size_t n = 0; n < kChains; ++n, w += kGates * cell.padded) {
      const auto h = hn::Set(d, cell.before[k + n]);
      for (std::size_t g = 0; g < kGates; ++g) {
        for (std::size_t u = 0; u < kUnits; ++u) {
          const auto weight = hn::LoadU(d, w + g * cell.padded + u * lanes);
          chains[n][g][u] = hn::MulAdd(h, weight, chains[n][g][u]);
        }
      }
    }
  }
  for (std::size_t g = 0; g < kGates; ++g) {
    for (std::size_t u = 0; u < kUnits; ++u) {
      auto sum = chains[0][g][u];
      if constexpr (kChains == 4) {
        sum = hn::Add(hn::Add(sum, chains[1][g][u]), hn::Add(chains[2][g][u], chains[3][g][u]));
      } else if constexpr (kChains == 2) {
        sum = hn::Add(sum, chains[1][g][u]);
      }
      sums[g][u] = sum;
    }
  }
}

/// sums[gate][vector] = bias + what the inputs add; nothing here waits for the frame before.
template <std::size_t kGates, std::size_t kUnits>
HWY_INLINE void input_sums(const Cell& cell, std::size_t first, FloatVec (&sums)[kGates][kUnits]) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const float* w = cell.input_weights + first;
  const auto x = hn::Set(d, cell.x[0]);
  for (std::size_t g = 0; g < kGates; ++g) {
    for (std::size_t u = 0; u < kUnits; ++u) {
      const std::size_t at = g * cell.padded + u * lanes;
      sums[g][u] = hn::MulAdd(x, hn::LoadU(d, w + at), hn::LoadU(d, cell.bias + first + at));
    }
  }
  for (std::size_t i = 1; i < cell.inputs; ++i) {
    w += kGates * cell.padded;
    const auto more = hn::Set(d, cell.x[i * cell.input_stride]);
    for (std::size_t g = 0; g < kGates; ++g) {
      for (std::size_t u = 0; u < kUnits; ++u) {
        const auto weight = hn::LoadU(d, w + g * cell.padded + u * lanes);
        sums[g][u] = hn::MulAdd(more, weight, sums[g][u]);
      }
    }
  }
}

template <bool kFast, std::size_t kUnits, std::size_t kChains>
HWY_INLINE void lstm_units(const Cell& cell, std::size_t first) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec sums[4][kUnits];
  input_sums(cell, first, sums);
  gate_sums<4, kUnits, kChains>(cell, first, sums);
  for (std::size_t u = 0; u < kUnits; ++u) {
    float* c = cell.c + first + u * lanes;
    const auto i = gate_sigmoid<kFast>(d, sums[0][u]);
    const auto f = gate_sigmoid<kFast>(d, sums[1][u]);
    const auto g = gate_tanh<kFast>(d, sums[2][u]);
    const auto o = gate_sigmoid<kFast>(d, sums[3][u]);
    const auto value = hn::MulAdd(f, hn::LoadU(d, c), hn::Mul(i, g));
    hn::StoreU(value, d, c);
    hn::StoreU(hn::Mul(o, gate_tanh<kFast>(d, value)), d, cell.h + first + u * lanes);
  }
}

template <bool kFast, std::size_t kUnits, std::size_t kChains>
HWY_INLINE void gru_units(const Cell& cell, std::size_t first) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec sums[3][kUnits];
  input_sums(cell, first, sums);
  FloatVec inputs[kUnits];
  for (std::size_t u = 0; u < kUnits; ++u) {
    inputs[u] = sums[2][u];
    sums[2][u] = hn::LoadU(d, cell.hidden_bias + first + u * lanes);
  }
  gate_sums<3, kUnits, kChains>(cell, first, sums);
  for (std::size_t u = 0; u < kUnits; ++u) {
    const auto r = gate_sigmoid<kFast>(d, sums[0][u]);
    const auto z = gate_sigmoid<kFast>(d, sums[1][u]);
    const auto n = gate_tanh<kFast>(d, hn::MulAdd(r, sums[2][u], inputs[u]));
    const auto before = hn::LoadU(d, cell.before + first + u * lanes);
    hn::StoreU(hn::MulAdd(z, hn::Sub(before, n), n), d, cell.h + first + u * lanes);
  }
}

template <bool kGru, bool kFast, std::size_t kUnits, std::size_t kChains>
HWY_INLINE void cell_units(const Cell& cell, std::size_t first) {
  if constexpr (kGru) {
    gru_units<kFast, kUnits, kChains>(cell, first);
  } else {
    lstm_units<kFast, kUnits, kChains>(cell, first);
  }
}

/// The padding of units has zero weights, and is zero in h.
template <bool kGru, bool kFast>
HWY_INLINE void run_cell(const Cell& cell) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  std::size_t first = 0;
  if constexpr (HWY_TARGET <= HWY_AVX3) {
    for (; first + 2 * lanes < cell.units; first += 3 * lanes)
      cell_units<kGru, kFast, 3, 1>(cell, first);
    if (first + lanes < cell.units) {
      cell_units<kGru, kFast, 2, 2>(cell, first);
    } else if (first < cell.units) {
      cell_units<kGru, kFast, 1, 4>(cell, first);
    }
  } else {
    for (; first < cell.units; first += lanes) cell_units<kGru, kFast, 1, 2>(cell, first);
  }
}

HWY_INLINE float dense_output(const Recurrent& step, const Chunk& chunk, const float* h) {
  const FloatTag d;
  const float* w = chunk.weights + step.dense_weights;
  auto sum = hn::Zero(d);
  for (std::size_t u = 0; u < step.units; u += hn::Lanes(d))
    sum = hn::MulAdd(hn::LoadU(d, h + u), hn::LoadU(d, w + u), sum);
  return hn::GetLane(hn::SumOfLanes(d, sum)) + w[step.padded];
}

template <bool kGru, bool kFast>
HWY_NOINLINE void run_layer(const Recurrent& step, const Chunk& chunk) {
  float* const frames = chunk.state + step.frames;
  const float* before = chunk.state + step.h;
  float* const out = chunk.at(step.out, 0);
  for (std::size_t f = 0; f < chunk.frames; ++f) {
    float* const h = frames + (f % 2) * step.padded;
    run_cell<kGru, kFast>({chunk.weights + step.input_weights, chunk.weights + step.weights,
                           chunk.weights + step.bias, chunk.weights + step.hidden_bias,
                           chunk.at(step.x, 0) + f, step.x.channels, step.x.stride, before,
                           step.units, step.padded, chunk.state + step.c, h});
    if (step.dense) {
      out[f] = dense_output(step, chunk, h);
    } else {
      for (std::size_t u = 0; u < step.units; ++u) out[u * step.out.stride + f] = h[u];
    }
    before = h;
  }
  std::memcpy(chunk.state + step.h, before, step.padded * sizeof(float));
}

HWY_INLINE void recurrent(const Recurrent& step, const Chunk& chunk) {
  if (step.gru) {
    if (step.fast) return run_layer<true, true>(step, chunk);
    return run_layer<true, false>(step, chunk);
  }
  if (step.fast) return run_layer<false, true>(step, chunk);
  run_layer<false, false>(step, chunk);
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::models::amp
HWY_AFTER_NAMESPACE();

#endif
