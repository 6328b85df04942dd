// Where the steps of a program find their planes; included once per instruction set.
#if defined(METALAUDIO_MODELS_AMP_CPU_CHUNK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALAUDIO_MODELS_AMP_CPU_CHUNK_INL_H_
#undef METALAUDIO_MODELS_AMP_CPU_CHUNK_INL_H_
#else
#define METALAUDIO_MODELS_AMP_CPU_CHUNK_INL_H_
#endif

#include <hwy/highway.h>
#include <metalaudio/models/amp/program.h>
#include <metalaudio/nn/cpu/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::models::amp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace math = nn::cpu::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

/// One chunk of one channel. Steps compute whole vectors: what lies behind the last frame is read
/// and written as well, and means nothing; a ring has room for it in what it is about to forget.
struct Chunk {
  const Tap* taps;
  const Ring* rings;
  const float* weights;
  float* state;
  const std::uint32_t* positions;
  std::size_t frames;

  HWY_INLINE float* at(const Plane& plane, std::size_t channel) const {
    return state + plane.offset + positions[plane.ring] + channel * plane.stride;
  }
  HWY_INLINE const float* past(const Tap& tap) const {
    auto position = static_cast<std::int64_t>(positions[tap.plane.ring]) - tap.delay;
    if (position < 0) position += rings[tap.plane.ring].size;
    return state + tap.plane.offset + position;
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::models::amp
HWY_AFTER_NAMESPACE();

#endif
