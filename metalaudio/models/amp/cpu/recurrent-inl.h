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

/// Where one frame of a block of units works: its weights, the units before it and those that it
/// makes.
struct Cell {
  const float* HWY_RESTRICT input_weights;
  const float* HWY_RESTRICT weights;
  const float* HWY_RESTRICT bias;
  std::size_t row_stride;  ///< in weights, from input to input
  const float* HWY_RESTRICT hidden_bias;
  const float* x;
  std::size_t inputs;
  std::size_t input_stride;
  const float* before;  ///< all units
  std::size_t units;
  const float* own_before;  ///< those of the block
  float* c;
  float* h;

  /// The same block from a unit on, whose weights begin at `weight`.
  HWY_INLINE Cell from(std::size_t unit, std::size_t weight) const {
    Cell part = *this;
    part.input_weights += weight;
    part.weights += weight;
    part.bias += weight;
    part.hidden_bias += unit;
    part.own_before += unit;
    part.c += unit;
    part.h += unit;
    return part;
  }
};

/// sums += weights · the units before, where vectors of a row are `stride` floats apart. kChains
/// sums each, so that the additions do not wait for one another.
template <std::size_t kVectors>
HWY_INLINE void add_hidden(const Cell& cell, std::size_t stride, FloatVec (&sums)[kVectors]) {
  const FloatTag d;
  constexpr std::size_t kChains = HWY_TARGET > HWY_AVX3 ? 2
                                  : kVectors >= 8       ? 1
                                  : kVectors >= 5       ? 2
                                                        : 4;
  FloatVec chains[kChains][kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) {
    chains[0][v] = sums[v];
    for (std::size_t n = 1; n < kChains; ++n) chains[n][v] = hn::Zero(d);
  }
  const float* HWY_RESTRICT w = cell.weights;
  for (std::size_t k = 0; k < cell.units; k += kHiddenRows) {
    HWY_UNROLL(kHiddenRows)
    for (std::size_t n = 0; n < kHiddenRows; ++n, w += cell.row_stride) {
      const auto h = hn::Set(d, cell.before[k + n]);
      for (std::size_t v = 0; v < kVectors; ++v) {
        auto& sum = chains[n % kChains][v];
        sum = hn::MulAdd(h, hn::LoadU(d, w + v * stride), sum);
      }
    }
  }
  for (std::size_t v = 0; v < kVectors; ++v) {
    sums[v] = chains[0][v];
    if constexpr (kChains == 4) {
      sums[v] = hn::Add(hn::Add(sums[v], chains[1][v]), hn::Add(chains[2][v], chains[3][v]));
    } else if constexpr (kChains == 2) {
      sums[v] = hn::Add(sums[v], chains[1][v]);
    }
  }
}

/// sums = bias + what the inputs add; nothing here waits for the frame before.
template <std::size_t kVectors>
HWY_INLINE void input_sums(const Cell& cell, std::size_t stride, FloatVec (&sums)[kVectors]) {
  const FloatTag d;
  const float* w = cell.input_weights;
  const auto x = hn::Set(d, cell.x[0]);
  for (std::size_t v = 0; v < kVectors; ++v)
    sums[v] = hn::MulAdd(x, hn::LoadU(d, w + v * stride), hn::LoadU(d, cell.bias + v * stride));
  for (std::size_t i = 1; i < cell.inputs; ++i) {
    w += cell.row_stride;
    const auto more = hn::Set(d, cell.x[i * cell.input_stride]);
    for (std::size_t v = 0; v < kVectors; ++v)
      sums[v] = hn::MulAdd(more, hn::LoadU(d, w + v * stride), sums[v]);
  }
}

template <bool kFast>
HWY_INLINE void lstm_units(const Cell& cell, std::size_t unit, FloatVec i, FloatVec f, FloatVec g,
                           FloatVec o) {
  const FloatTag d;
  const auto in = hn::Mul(gate_sigmoid<kFast>(d, i), gate_tanh<kFast>(d, g));
  const auto c = hn::MulAdd(gate_sigmoid<kFast>(d, f), hn::LoadU(d, cell.c + unit), in);
  hn::StoreU(c, d, cell.c + unit);
  const auto h = hn::Mul(gate_sigmoid<kFast>(d, o), gate_tanh<kFast>(d, c));
  hn::StoreU(h, d, cell.h + unit);
}

/// n comes in two parts: what the inputs add, and what the reset lets through.
template <bool kFast>
HWY_INLINE void gru_units(const Cell& cell, std::size_t unit, FloatVec r, FloatVec z, FloatVec n_in,
                          FloatVec n_hidden) {
  const FloatTag d;
  const auto n = gate_tanh<kFast>(d, hn::MulAdd(gate_sigmoid<kFast>(d, r), n_hidden, n_in));
  const auto before = hn::LoadU(d, cell.own_before + unit);
  const auto h = hn::MulAdd(gate_sigmoid<kFast>(d, z), hn::Sub(before, n), n);
  hn::StoreU(h, d, cell.h + unit);
}

#if HWY_TARGET <= HWY_AVX3
/// Two gates of 8 units in a vector; the upper half of what follows from them is dropped. Whole
/// vectors are stored, since whole vectors are loaded soon after.
HWY_INLINE FloatVec upper(FloatVec v) { return hn::ConcatUpperUpper(FloatTag(), v, v); }
HWY_INLINE void store_lower(FloatVec v, float* to) {
  const FloatTag d;
  hn::StoreU(hn::ZeroExtendVector(d, hn::LowerHalf(v)), d, to);
}

template <bool kFast>
HWY_INLINE void lstm_eight_units(const Cell& cell, std::size_t unit, FloatVec i_f, FloatVec g_o) {
  const FloatTag d;
  const auto half = hn::Set(d, 0.5F);
  const auto in_forget = gate_sigmoid<kFast>(d, i_f);
  const auto tanh = gate_tanh<kFast>(d, g_o);
  const auto out = upper(hn::MulAdd(half, tanh, half));
  const auto c =
      hn::MulAdd(upper(in_forget), hn::LoadU(d, cell.c + unit), hn::Mul(in_forget, tanh));
  store_lower(c, cell.c + unit);
  store_lower(hn::Mul(out, gate_tanh<kFast>(d, c)), cell.h + unit);
}

template <bool kFast>
HWY_INLINE void gru_eight_units(const Cell& cell, std::size_t unit, FloatVec r_z, FloatVec n_in,
                                FloatVec n_hidden) {
  const FloatTag d;
  const auto reset_update = gate_sigmoid<kFast>(d, r_z);
  const auto n = gate_tanh<kFast>(d, hn::MulAdd(reset_update, n_hidden, n_in));
  const auto before = hn::LoadU(d, cell.own_before + unit);
  store_lower(hn::MulAdd(upper(reset_update), hn::Sub(before, n), n), cell.h + unit);
}

/// A block of kWide vectors of units for each gate, and 8 more or none, in one go: what is
/// loaded for them, a vector of weights for every product, is most of the time.
template <bool kGru, bool kFast, std::size_t kWide, bool kNarrow>
HWY_INLINE void run_block(const Cell& cell) {
  const FloatTag d;
  constexpr std::size_t kLanes = 16;
  constexpr std::size_t kVectors = (kGru ? 3 : 4) * kWide + (kNarrow ? 2 : 0);
  FloatVec sums[kVectors];
  input_sums(cell, kLanes, sums);
  FloatVec inputs[kWide + 1];
  if constexpr (kGru) {
    for (std::size_t u = 0; u < kWide; ++u) {
      inputs[u] = sums[2 * kWide + u];
      sums[2 * kWide + u] = hn::LoadU(d, cell.hidden_bias + u * kLanes);
    }
    if constexpr (kNarrow) {
      inputs[kWide] = sums[kVectors - 1];
      sums[kVectors - 1] = hn::LoadU(d, cell.hidden_bias + kWide * kLanes);
    }
  }
  add_hidden(cell, kLanes, sums);
  for (std::size_t u = 0; u < kWide; ++u) {
    if constexpr (kGru) {
      gru_units<kFast>(cell, u * kLanes, sums[u], sums[kWide + u], inputs[u], sums[2 * kWide + u]);
    } else {
      lstm_units<kFast>(cell, u * kLanes, sums[u], sums[kWide + u], sums[2 * kWide + u],
                        sums[3 * kWide + u]);
    }
  }
  if constexpr (kNarrow && kGru) {
    gru_eight_units<kFast>(cell, kWide * kLanes, sums[kVectors - 2], inputs[kWide],
                           sums[kVectors - 1]);
  } else if constexpr (kNarrow) {
    lstm_eight_units<kFast>(cell, kWide * kLanes, sums[kVectors - 2], sums[kVectors - 1]);
  }
}

/// Its padding has zero weights, and is zero in h.
template <bool kGru, bool kFast>
HWY_INLINE void run_block(const Cell& cell, const UnitBlock& block) {
  if (block.wide == 32) {
    block.narrow > 0 ? run_block<kGru, kFast, 2, true>(cell)
                     : run_block<kGru, kFast, 2, false>(cell);
  } else if (block.wide == 16) {
    block.narrow > 0 ? run_block<kGru, kFast, 1, true>(cell)
                     : run_block<kGru, kFast, 1, false>(cell);
  } else {
    run_block<kGru, kFast, 0, true>(cell);
  }
}
#else
/// One vector of units, whose gates are `stride` floats apart.
template <bool kGru, bool kFast>
HWY_INLINE void run_vector(const Cell& cell, std::size_t stride) {
  FloatVec sums[kGru ? 3 : 4];
  input_sums(cell, stride, sums);
  if constexpr (kGru) {
    const auto n_in = sums[2];
    sums[2] = hn::LoadU(FloatTag(), cell.hidden_bias);
    add_hidden(cell, stride, sums);
    gru_units<kFast>(cell, 0, sums[0], sums[1], n_in, sums[2]);
  } else {
    add_hidden(cell, stride, sums);
    lstm_units<kFast>(cell, 0, sums[0], sums[1], sums[2], sums[3]);
  }
}

/// Its padding has zero weights, and is zero in h.
template <bool kGru, bool kFast>
HWY_INLINE void run_block(const Cell& cell, const UnitBlock& block) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  for (std::size_t unit = 0; unit < block.wide; unit += lanes)
    run_vector<kGru, kFast>(cell.from(unit, unit), block.wide);
  const std::size_t weight = (kGru ? 3 : 4) * block.wide;
  for (std::size_t unit = 0; unit < block.narrow; unit += lanes)
    run_vector<kGru, kFast>(cell.from(block.wide + unit, weight + unit), block.narrow);
}
#endif

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
    const float* input_weights = chunk.weights + step.input_weights;
    const float* weights = chunk.weights + step.weights;
    const float* bias = chunk.weights + step.bias;
    for (std::size_t first = 0; first < step.units;) {
      const UnitBlock block = next_block(step.units - first);
      const std::size_t row = block.row(kGru ? 3 : 4);
      run_block<kGru, kFast>(
          {input_weights, weights, bias, row, chunk.weights + step.hidden_bias + first,
           chunk.at(step.x, 0) + f, step.x.channels, step.x.stride, before, step.units,
           before + first, chunk.state + step.c + first, h + first},
          block);
      input_weights += step.x.channels * row;
      weights += hidden_rows(step.units) * row;
      bias += row;
      first += block.units();
    }
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
