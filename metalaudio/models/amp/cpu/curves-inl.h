// Activations over a chunk; included once per instruction set.
#if defined(METALAUDIO_MODELS_AMP_CPU_CURVES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_MODELS_AMP_CPU_CURVES_INL_H_
#undef METALAUDIO_MODELS_AMP_CPU_CURVES_INL_H_
#else
#define METALAUDIO_MODELS_AMP_CPU_CURVES_INL_H_
#endif

#include <hwy/highway.h>
#include <metalaudio/models/amp/cpu/chunk-inl.h>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::models::amp {
namespace HWY_NAMESPACE {

/// The rational function that Neural Amp Modeler calls fast_tanh.
HWY_INLINE FloatVec nam_fast_tanh(FloatTag d, FloatVec x) {
  const auto ax = hn::Abs(x);
  const auto x2 = hn::Mul(x, x);
  const auto a = hn::Set(d, 2.45550750702956F);
  const auto e = hn::Set(d, 2.44506634652299F);
  const auto bc = hn::MulAdd(hn::Set(d, 0.821226666969744F), ax, hn::Set(d, 0.893229853513558F));
  const auto top = hn::Mul(x, hn::MulAdd(bc, x2, hn::MulAdd(a, ax, a)));
  const auto inner = hn::Abs(hn::MulAdd(hn::Mul(hn::Set(d, 0.814642734961073F), x), ax, x));
  return hn::Div(top, hn::MulAdd(hn::Add(e, x2), inner, e));
}

/// function(value, channel) over all channels, and the sum. Four vectors at once where a chunk is
/// whole, since each alone waits for itself.
template <class Function>
HWY_INLINE void map_plane(const Activate& step, const Chunk& chunk, Function&& function) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t m = 0; m < step.x.channels; ++m) {
    float* HWY_RESTRICT x = chunk.at(step.x, m);
    float* HWY_RESTRICT sum = step.sum.channels > 0 ? chunk.at(step.sum, m) : nullptr;
    const auto one = [&](std::size_t f) {
      const auto y = function(hn::LoadU(d, x + f), m);
      hn::StoreU(y, d, x + f);
      if (sum == nullptr) return;
      hn::StoreU(step.first ? y : hn::Add(hn::LoadU(d, sum + f), y), d, sum + f);
    };
    std::size_t f = 0;
    for (; f + 3 * lanes < chunk.frames; f += 4 * lanes) {
      one(f);
      one(f + lanes);
      one(f + 2 * lanes);
      one(f + 3 * lanes);
    }
    for (; f < chunk.frames; f += lanes) one(f);
  }
}

HWY_NOINLINE void activate(const Activate& step, const Chunk& chunk) {
  const FloatTag d;
  const auto zero = hn::Zero(d);
  const auto one = hn::Set(d, 1.0F);
  const auto a = hn::Set(d, step.curve.a);
  const auto b = hn::Set(d, step.curve.b);
  const auto c = hn::Set(d, step.curve.c);
  const auto e = hn::Set(d, step.curve.d);
  switch (step.curve.shape) {
    case Shape::identity:
      return map_plane(step, chunk, [](FloatVec v, std::size_t) { return v; });
    case Shape::tanh:
      return map_plane(step, chunk, [d](FloatVec v, std::size_t) { return math::tanh(d, v); });
    case Shape::fast_tanh:
      return map_plane(step, chunk, [d](FloatVec v, std::size_t) { return math::fast_tanh(d, v); });
    case Shape::nam_fast_tanh:
      return map_plane(step, chunk, [d](FloatVec v, std::size_t) { return nam_fast_tanh(d, v); });
    case Shape::hard_tanh:
      return map_plane(step, chunk, [one](FloatVec v, std::size_t) {
        return hn::Min(hn::Max(v, hn::Neg(one)), one);
      });
    case Shape::relu:
      return map_plane(step, chunk, [zero](FloatVec v, std::size_t) { return hn::Max(v, zero); });
    case Shape::leaky_relu:
      return map_plane(step, chunk, [zero, a](FloatVec v, std::size_t) {
        return hn::IfThenElse(hn::Lt(v, zero), hn::Mul(v, a), v);
      });
    case Shape::prelu: {
      const float* slopes = chunk.weights + step.curve.slopes;
      return map_plane(step, chunk, [d, zero, slopes](FloatVec v, std::size_t m) {
        return hn::IfThenElse(hn::Lt(v, zero), hn::Mul(v, hn::Set(d, slopes[m])), v);
      });
    }
    case Shape::sigmoid:
      return map_plane(step, chunk, [d](FloatVec v, std::size_t) { return math::sigmoid(d, v); });
    case Shape::fast_sigmoid:
      return map_plane(step, chunk, [d](FloatVec v, std::size_t) {
        const auto half = hn::Set(d, 0.5F);
        return hn::MulAdd(half, math::fast_tanh(d, hn::Mul(half, v)), half);
      });
    case Shape::silu:
      return map_plane(step, chunk, [d](FloatVec v, std::size_t) { return math::silu(d, v); });
    case Shape::hard_swish:
      return map_plane(step, chunk, [d, zero, one](FloatVec v, std::size_t) {
        const auto ramp = hn::MulAdd(v, hn::Set(d, 1.0F / 6.0F), hn::Set(d, 0.5F));
        return hn::Mul(v, hn::Min(hn::Max(ramp, zero), one));
      });
    case Shape::leaky_hard_tanh:
      return map_plane(step, chunk, [a, b, c, e](FloatVec v, std::size_t) {
        const auto below = hn::MulAdd(hn::Sub(v, a), c, a);
        const auto above = hn::MulAdd(hn::Sub(v, b), e, b);
        return hn::IfThenElse(hn::Lt(v, a), below, hn::IfThenElse(hn::Gt(v, b), above, v));
      });
    case Shape::softsign:
      return map_plane(step, chunk, [one](FloatVec v, std::size_t) {
        return hn::Div(v, hn::Add(one, hn::Abs(v)));
      });
    case Shape::affine: {
      const float* factors = chunk.weights + step.curve.slopes;
      const float* terms = factors + step.x.channels;
      return map_plane(step, chunk, [d, factors, terms](FloatVec v, std::size_t m) {
        return hn::MulAdd(v, hn::Set(d, factors[m]), hn::Set(d, terms[m]));
      });
    }
    case Shape::elu:
      return map_plane(step, chunk, [d, zero, one, a](FloatVec v, std::size_t) {
        // e^v - 1 as tanh(v/2) (e^v + 1), which keeps its digits near zero.
        const auto low = hn::Min(v, zero);
        const auto t = math::tanh(d, hn::Mul(low, hn::Set(d, 0.5F)));
        const auto negative = hn::Mul(a, hn::Mul(t, hn::Add(math::exp(d, low), one)));
        return hn::IfThenElse(hn::Lt(v, zero), negative, v);
      });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::models::amp
HWY_AFTER_NAMESPACE();

#endif
