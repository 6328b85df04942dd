#include <limits>

#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

namespace {

/// Of a scale or zero point, what belongs to an element of x.
Number scale_at(const ReferenceValue* scale, Index index, std::int64_t axis, std::int64_t block) {
  if (scale == nullptr) return 0;
  if (scale->values.size() == 1 && block == 0) return scale->values[0];
  const std::size_t along = axis_of(axis, index.size());
  if (block == 0) return scale->values[static_cast<std::size_t>(index[along])];
  index[along] /= block;
  return at(*scale, index);
}

}  // namespace

void compute(const Quantize& o, const ReferenceInputs& in, Results& results) {
  fill(results[0], [&](const Index& index) {
    // Ties are those of the quotient in float32.
    const Number scaled = static_cast<float>(at(*in[0], index)) /
                          static_cast<float>(scale_at(in[1], index, o.axis, o.block));
    const Number shifted = std::nearbyint(scaled) + scale_at(in[2], index, o.axis, o.block);
    return visit_type(o.type, [&]<typename T>(std::type_identity<T>) -> Number {
      if constexpr (std::is_integral_v<T>) {
        using Limits = std::numeric_limits<T>;
        return std::fmin(std::fmax(shifted, Limits::min()), Limits::max());
      }
      return 0;
    });
  });
}

void compute(const Dequantize& o, const ReferenceInputs& in, Results& results) {
  fill(results[0], [&](const Index& index) {
    return (at(*in[0], index) - scale_at(in[2], index, o.axis, o.block)) *
           scale_at(in[1], index, o.axis, o.block);
  });
}

}  // namespace metalaudio::nn
