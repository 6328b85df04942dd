#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/models/amp/cpu/program_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/models/amp/cpu/curves-inl.h>
#include <metalaudio/models/amp/cpu/product-inl.h>
#include <metalaudio/models/amp/cpu/recurrent-inl.h>
// clang-format on

#include <metalaudio/models/amp/cpu/program_kernels.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::models::amp {
namespace HWY_NAMESPACE {

void gate(const Gate& step, const Chunk& chunk) {
  const FloatTag d;
  for (std::size_t m = 0; m < step.x.channels; ++m) {
    float* HWY_RESTRICT x = chunk.at(step.x, m);
    const float* HWY_RESTRICT g = chunk.at(step.gate, m);
    const float* HWY_RESTRICT before =
        step.before.channels > 0 ? chunk.at(step.before, m) : nullptr;
    for (std::size_t f = 0; f < chunk.frames; f += hn::Lanes(d)) {
      const auto alpha = hn::LoadU(d, g + f);
      const auto v = hn::LoadU(d, x + f);
      if (before == nullptr) {
        hn::StoreU(hn::Mul(v, alpha), d, x + f);
      } else {
        const auto z = hn::LoadU(d, before + f);
        hn::StoreU(hn::MulAdd(alpha, v, hn::Mul(hn::Sub(hn::Set(d, 1.0F), alpha), z)), d, x + f);
      }
    }
  }
}

void modulate(const Modulate& step, const Chunk& chunk) {
  const FloatTag d;
  for (std::size_t m = 0; m < step.x.channels; ++m) {
    const float* x = chunk.at(step.x, m);
    float* out = chunk.at(step.out, m);
    const float* scale = step.scale.channels > 0 ? chunk.at(step.scale, m) : nullptr;
    const float* shift = step.shift.channels > 0 ? chunk.at(step.shift, m) : nullptr;
    for (std::size_t f = 0; f < chunk.frames; f += hn::Lanes(d)) {
      auto v = hn::LoadU(d, x + f);
      if (scale != nullptr) v = hn::Mul(v, hn::LoadU(d, scale + f));
      if (shift != nullptr) v = hn::Add(v, hn::LoadU(d, shift + f));
      hn::StoreU(v, d, out + f);
    }
  }
}

void softmax(const Softmax& step, const Chunk& chunk) {
  const FloatTag d;
  for (std::size_t f = 0; f < chunk.frames; f += hn::Lanes(d)) {
    auto most = hn::LoadU(d, chunk.at(step.x, 0) + f);
    for (std::size_t m = 1; m < step.x.channels; ++m)
      most = hn::Max(most, hn::LoadU(d, chunk.at(step.x, m) + f));
    auto sum = hn::Zero(d);
    for (std::size_t m = 0; m < step.x.channels; ++m) {
      float* x = chunk.at(step.x, m) + f;
      const auto e = math::exp(d, hn::Sub(hn::LoadU(d, x), most));
      sum = hn::Add(sum, e);
      hn::StoreU(e, d, x);
    }
    for (std::size_t m = 0; m < step.x.channels; ++m) {
      float* x = chunk.at(step.x, m) + f;
      hn::StoreU(hn::Div(hn::LoadU(d, x), sum), d, x);
    }
  }
}

void commit(const Ring& ring, std::uint32_t position, const Chunk& chunk, Past past) {
  for (std::size_t m = 0; m < ring.channels; ++m) {
    float* x = chunk.state + ring.offset + m * ring.stride;
    if (past == Past::constant) {
      std::fill(x, x + ring.size + kChunkFrames, x[position]);
      continue;
    }
    const std::size_t end = position + chunk.frames;
    if (end > ring.size) std::memcpy(x, x + ring.size, (end - ring.size) * sizeof(float));
    if (position < kChunkFrames) {
      const std::size_t last = std::min(end, kChunkFrames);
      std::memcpy(x + ring.size + position, x + position, (last - position) * sizeof(float));
    }
  }
}

void run_steps(const Program& program, float* state, std::uint32_t* positions, std::size_t frames,
               Past past) {
  const Chunk chunk{
      program.taps.data(), program.rings.data(), program.weights.data(), state, positions, frames};
  for (const Step& step : program.steps) {
    if (const auto* p = std::get_if<Product>(&step)) {
      product(*p, chunk);
    } else if (const auto* a = std::get_if<Activate>(&step)) {
      activate(*a, chunk);
    } else if (const auto* c = std::get_if<Commit>(&step)) {
      commit(program.rings[c->ring], positions[c->ring], chunk, past);
    } else if (const auto* r = std::get_if<Recurrent>(&step)) {
      recurrent(*r, chunk);
    } else if (const auto* g = std::get_if<Gate>(&step)) {
      gate(*g, chunk);
    } else if (const auto* m = std::get_if<Modulate>(&step)) {
      modulate(*m, chunk);
    } else if (const auto* s = std::get_if<Softmax>(&step)) {
      softmax(*s, chunk);
    }
  }
  for (std::size_t r = 1; r < program.rings.size(); ++r) {
    positions[r] += static_cast<std::uint32_t>(frames);
    if (positions[r] >= program.rings[r].size) positions[r] -= program.rings[r].size;
  }
}

float peak_impl(const float* x, std::size_t frames) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  auto most = hn::Zero(d);
  const auto take = [&](FloatVec v) {
    const auto magnitude = hn::Abs(v);
    most = hn::Max(most, hn::IfThenElse(hn::Le(magnitude, infinity), magnitude, infinity));
  };
  std::size_t i = 0;
  for (; i + lanes <= frames; i += lanes) take(hn::LoadU(d, x + i));
  if (i < frames) take(math::load_first(d, x + i, frames - i));
  return hn::GetLane(hn::MaxOfLanes(d, most));
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::models::amp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::models::amp {

HWY_EXPORT(run_steps);
HWY_EXPORT(peak_impl);

void run_program(const Program& program, float* state, std::uint32_t* positions, std::size_t frames,
                 Past past) noexcept {
  HWY_DYNAMIC_DISPATCH(run_steps)(program, state, positions, frames, past);
}

float peak_of(const float* x, std::size_t frames) noexcept {
  return HWY_DYNAMIC_DISPATCH(peak_impl)(x, frames);
}

}  // namespace metalaudio::models::amp
#endif
