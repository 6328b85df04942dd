#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/vector_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/vector_kernels.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

/// out = function(x…) over whole vectors, and the tail through a buffer.
template <class Function>
HWY_INLINE void map_one(const float* x, std::size_t size, float* out, Function&& function) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) hn::StoreU(function(hn::LoadU(d, x + i)), d, out + i);
  if (i < size) store_first(d, function(load_first(d, x + i, size - i)), out + i, size - i);
}

void map_unary(UnaryFunction f, float alpha, float beta, const float* x, std::size_t size,
               float* out) {
  const FloatTag d;
  const auto a = hn::Set(d, alpha);
  const auto b = hn::Set(d, beta);
  const auto zero = hn::Zero(d);
  const auto below = [&](FloatVec v, FloatVec negative) {
    return hn::IfThenElse(hn::Lt(v, zero), negative, v);
  };
  switch (f) {
    case UnaryFunction::absolute:
      return map_one(x, size, out, [&](FloatVec v) { return hn::Abs(v); });
    case UnaryFunction::negate:
      return map_one(x, size, out, [&](FloatVec v) { return hn::Neg(v); });
    case UnaryFunction::exp:
      return map_one(x, size, out, [&](FloatVec v) { return exp(d, v); });
    case UnaryFunction::sqrt:
      return map_one(x, size, out, [&](FloatVec v) { return hn::Sqrt(v); });
    case UnaryFunction::reciprocal:
      return map_one(x, size, out, [&](FloatVec v) { return hn::Div(hn::Set(d, 1.0F), v); });
    case UnaryFunction::tanh:
      return map_one(x, size, out, [&](FloatVec v) { return tanh(d, v); });
    case UnaryFunction::erf:
      return map_one(x, size, out, [&](FloatVec v) { return erf(d, v); });
    case UnaryFunction::relu:
      return map_one(x, size, out, [&](FloatVec v) { return below(v, zero); });
    case UnaryFunction::sigmoid:
      return map_one(x, size, out, [&](FloatVec v) { return sigmoid(d, v); });
    case UnaryFunction::gelu:
      return map_one(x, size, out, [&](FloatVec v) { return gelu(d, v); });
    case UnaryFunction::gelu_tanh:
      return map_one(x, size, out, [&](FloatVec v) { return gelu_tanh(d, v); });
    case UnaryFunction::silu:
      return map_one(x, size, out, [&](FloatVec v) { return silu(d, v); });
    case UnaryFunction::leaky_relu:
      return map_one(x, size, out, [&](FloatVec v) { return below(v, hn::Mul(a, v)); });
    case UnaryFunction::clip:
      return map_one(x, size, out, [&](FloatVec v) {
        v = hn::IfThenElse(hn::Lt(v, a), a, v);
        return hn::IfThenElse(hn::Gt(v, b), b, v);
      });
    default:
      return;
  }
}

template <class Function>
HWY_INLINE void map_two(const float* a, bool a_repeats, const float* b, bool b_repeats,
                        std::size_t size, float* out, Function&& function) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto one_a = hn::Set(d, size > 0 ? a[0] : 0.0F);
  const auto one_b = hn::Set(d, size > 0 ? b[0] : 0.0F);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto x = a_repeats ? one_a : hn::LoadU(d, a + i);
    const auto y = b_repeats ? one_b : hn::LoadU(d, b + i);
    hn::StoreU(function(x, y), d, out + i);
  }
  if (i == size) return;
  const auto x = a_repeats ? one_a : load_first(d, a + i, size - i);
  const auto y = b_repeats ? one_b : load_first(d, b + i, size - i);
  store_first(d, function(x, y), out + i, size - i);
}

void map_binary(BinaryFunction f, const float* a, bool ra, const float* b, bool rb,
                std::size_t size, float* out) {
  const FloatTag d;
  switch (f) {
    case BinaryFunction::add:
      return map_two(a, ra, b, rb, size, out, [](auto x, auto y) { return hn::Add(x, y); });
    case BinaryFunction::subtract:
      return map_two(a, ra, b, rb, size, out, [](auto x, auto y) { return hn::Sub(x, y); });
    case BinaryFunction::multiply:
      return map_two(a, ra, b, rb, size, out, [](auto x, auto y) { return hn::Mul(x, y); });
    case BinaryFunction::divide:
      return map_two(a, ra, b, rb, size, out, [](auto x, auto y) { return hn::Div(x, y); });
    case BinaryFunction::prelu:
      return map_two(a, ra, b, rb, size, out, [d](auto x, auto y) {
        return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, y), x);
      });
    default:
      return;
  }
}

double sum_of_squares_impl(const float* x, std::size_t size) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t kRun = 1024;
  double total = 0;
  for (std::size_t first = 0; first < size; first += kRun) {
    const std::size_t last = std::min(size, first + kRun);
    auto sum = hn::Zero(d);
    std::size_t i = first;
    for (; i + lanes <= last; i += lanes) {
      const auto v = hn::LoadU(d, x + i);
      sum = hn::MulAdd(v, v, sum);
    }
    total += hn::GetLane(hn::SumOfLanes(d, sum));
    for (; i < last; ++i) total += static_cast<double>(x[i]) * x[i];
  }
  return total;
}

void scale_by_impl(const float* x, const float* gamma, float factor, std::size_t size, float* out) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto f = hn::Set(d, factor);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    auto v = hn::Mul(hn::LoadU(d, x + i), f);
    if (gamma != nullptr) v = hn::Mul(v, hn::LoadU(d, gamma + i));
    hn::StoreU(v, d, out + i);
  }
  for (; i < size; ++i) out[i] = x[i] * factor * (gamma != nullptr ? gamma[i] : 1.0F);
}

void rotate_pairs_impl(const float* x, const float* cosines, const float* sines, std::size_t pairs,
                       float* out) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t j = 0;
  for (; j + lanes <= pairs; j += lanes) {
    FloatVec even;
    FloatVec odd;
    hn::LoadInterleaved2(d, x + 2 * j, even, odd);
    const auto c = hn::LoadU(d, cosines + j);
    const auto s = hn::LoadU(d, sines + j);
    hn::StoreInterleaved2(hn::NegMulAdd(odd, s, hn::Mul(even, c)),
                          hn::MulAdd(even, s, hn::Mul(odd, c)), d, out + 2 * j);
  }
  for (; j < pairs; ++j) {
    const float even = x[2 * j];
    const float odd = x[2 * j + 1];
    out[2 * j] = even * cosines[j] - odd * sines[j];
    out[2 * j + 1] = odd * cosines[j] + even * sines[j];
  }
}

/// kBlocks vectors of outputs at once, so that their sums stay in registers.
template <std::size_t kBlocks>
HWY_INLINE void multiply_vector_columns(const float* HWY_RESTRICT x, std::size_t depth,
                                        const float* HWY_RESTRICT weights, std::size_t padded,
                                        const float* start, float* out) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec sums[kBlocks];
  for (std::size_t b = 0; b < kBlocks; ++b) {
    sums[b] = start != nullptr ? hn::LoadU(d, start + b * lanes) : hn::Zero(d);
  }
  for (std::size_t k = 0; k < depth; ++k) {
    const auto v = hn::Set(d, x[k]);
    for (std::size_t b = 0; b < kBlocks; ++b) {
      sums[b] = hn::MulAdd(v, hn::LoadU(d, weights + k * padded + b * lanes), sums[b]);
    }
  }
  for (std::size_t b = 0; b < kBlocks; ++b) hn::StoreU(sums[b], d, out + b * lanes);
}

void multiply_vector_impl(const float* x, std::size_t depth, const float* weights,
                          std::size_t padded, const float* start, float* out) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  const auto at = [&](std::size_t n) { return start != nullptr ? start + n : nullptr; };
  std::size_t n = 0;
  for (; n + 8 * lanes <= padded; n += 8 * lanes) {
    multiply_vector_columns<8>(x, depth, weights + n, padded, at(n), out + n);
  }
  for (; n + 4 * lanes <= padded; n += 4 * lanes) {
    multiply_vector_columns<4>(x, depth, weights + n, padded, at(n), out + n);
  }
  for (; n < padded; n += lanes) {
    multiply_vector_columns<1>(x, depth, weights + n, padded, at(n), out + n);
  }
}

std::size_t gate_lanes_impl() { return hn::Lanes(FloatTag()); }

void lstm_cell_impl(const float* gates, const float* peephole, std::size_t padded, float* c,
                    float* h) {
  const FloatTag d;
  for (std::size_t n = 0; n < padded; n += hn::Lanes(d)) {
    const auto before = hn::LoadU(d, c + n);
    const auto gate = [&](std::size_t g) { return hn::LoadU(d, gates + g * padded + n); };
    const auto peep = [&](std::size_t p, FloatVec cell, FloatVec sum) {
      if (peephole == nullptr) return sum;
      return hn::MulAdd(hn::LoadU(d, peephole + p * padded + n), cell, sum);
    };
    const auto i = sigmoid(d, peep(0, before, gate(0)));
    const auto f = sigmoid(d, peep(2, before, gate(1)));
    const auto cell = hn::MulAdd(f, before, hn::Mul(i, tanh(d, gate(2))));
    const auto o = sigmoid(d, peep(1, cell, gate(3)));
    hn::StoreU(cell, d, c + n);
    hn::StoreU(hn::Mul(o, tanh(d, cell)), d, h + n);
  }
}

void gru_cell_impl(const float* input, const float* hidden, std::size_t padded, float* h) {
  const FloatTag d;
  for (std::size_t n = 0; n < padded; n += hn::Lanes(d)) {
    const auto in = [&](std::size_t g) { return hn::LoadU(d, input + g * padded + n); };
    const auto rec = [&](std::size_t g) { return hn::LoadU(d, hidden + g * padded + n); };
    const auto r = sigmoid(d, hn::Add(in(0), rec(0)));
    const auto z = sigmoid(d, hn::Add(in(1), rec(1)));
    const auto candidate = tanh(d, hn::MulAdd(r, rec(2), in(2)));
    const auto before = hn::LoadU(d, h + n);
    hn::StoreU(hn::MulAdd(z, hn::Sub(before, candidate), candidate), d, h + n);
  }
}

constexpr std::size_t kChains = 10;  // more than latency times units, fewer than registers

float multiply_add_rounds_impl(std::size_t rounds) {
  const FloatTag d;
  const auto factor = hn::Set(d, 0.999F);
  const auto term = hn::Set(d, 0.001F);
  FloatVec sums[kChains];
  for (std::size_t i = 0; i < kChains; ++i) sums[i] = hn::Set(d, static_cast<float>(i));
  for (std::size_t round = 0; round < rounds; ++round) {
    HWY_UNROLL(10)
    for (std::size_t i = 0; i < kChains; ++i) sums[i] = hn::MulAdd(sums[i], factor, term);
  }
  auto total = sums[0];
  for (std::size_t i = 1; i < kChains; ++i) total = hn::Add(total, sums[i]);
  return hn::GetLane(hn::SumOfLanes(d, total));
}

double operations_per_round_impl() {
  return 2.0 * static_cast<double>(kChains * hn::Lanes(FloatTag()));
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(map_unary);
HWY_EXPORT(map_binary);
HWY_EXPORT(sum_of_squares_impl);
HWY_EXPORT(scale_by_impl);
HWY_EXPORT(rotate_pairs_impl);
HWY_EXPORT(multiply_vector_impl);
HWY_EXPORT(gate_lanes_impl);
HWY_EXPORT(lstm_cell_impl);
HWY_EXPORT(gru_cell_impl);
HWY_EXPORT(multiply_add_rounds_impl);
HWY_EXPORT(operations_per_round_impl);

bool has_vector_form(UnaryFunction function) noexcept {
  using F = UnaryFunction;
  for (const F f : {F::absolute, F::negate, F::exp, F::sqrt, F::reciprocal, F::tanh, F::erf,
                    F::relu, F::sigmoid, F::gelu, F::gelu_tanh, F::silu, F::leaky_relu, F::clip}) {
    if (f == function) return true;
  }
  return false;
}

bool has_vector_form(BinaryFunction function) noexcept {
  return function <= BinaryFunction::divide || function == BinaryFunction::prelu;
}

void map(UnaryFunction function, float alpha, float beta, const float* x, std::size_t size,
         float* out) {
  HWY_DYNAMIC_DISPATCH(map_unary)(function, alpha, beta, x, size, out);
}

void map(BinaryFunction function, const float* a, bool a_repeats, const float* b, bool b_repeats,
         std::size_t size, float* out) {
  HWY_DYNAMIC_DISPATCH(map_binary)(function, a, a_repeats, b, b_repeats, size, out);
}

double sum_of_squares(const float* x, std::size_t size) {
  return HWY_DYNAMIC_DISPATCH(sum_of_squares_impl)(x, size);
}

void scale_by(const float* x, const float* gamma, float factor, std::size_t size, float* out) {
  HWY_DYNAMIC_DISPATCH(scale_by_impl)(x, gamma, factor, size, out);
}

void rotate_pairs(const float* x, const float* cosines, const float* sines, std::size_t pairs,
                  float* out) {
  HWY_DYNAMIC_DISPATCH(rotate_pairs_impl)(x, cosines, sines, pairs, out);
}

void multiply_vector(const float* x, std::size_t depth, const float* weights, std::size_t padded,
                     const float* start, float* out) {
  HWY_DYNAMIC_DISPATCH(multiply_vector_impl)(x, depth, weights, padded, start, out);
}

std::size_t gate_lanes() { return HWY_DYNAMIC_DISPATCH(gate_lanes_impl)(); }

void lstm_cell(const float* gates, const float* peephole, std::size_t padded, float* c, float* h) {
  HWY_DYNAMIC_DISPATCH(lstm_cell_impl)(gates, peephole, padded, c, h);
}

void gru_cell(const float* input, const float* hidden, std::size_t padded, float* h) {
  HWY_DYNAMIC_DISPATCH(gru_cell_impl)(input, hidden, padded, h);
}

float multiply_add_rounds(std::size_t rounds) {
  return HWY_DYNAMIC_DISPATCH(multiply_add_rounds_impl)(rounds);
}

double operations_per_round() { return HWY_DYNAMIC_DISPATCH(operations_per_round_impl)(); }

}  // namespace metalaudio::nn::cpu
#endif
