#pragma once

#include <metalaudio/nn/operations/operation.h>

#include <cmath>
#include <vector>

#include "tests/parity/reference.h"

namespace metalaudio::nn {

// One function for every operation. `results` have their types and are zero.

using Results = std::vector<ReferenceValue>;

void compute(const ArgReduce& o, const ReferenceInputs& in, Results& results);
void compute(const Attention& o, const ReferenceInputs& in, Results& results);
void compute(const Binary& o, const ReferenceInputs& in, Results& results);
void compute(const BitCast& o, const ReferenceInputs& in, Results& results);
void compute(const Cast& o, const ReferenceInputs& in, Results& results);
void compute(const Concat& o, const ReferenceInputs& in, Results& results);
void compute(const Conv& o, const ReferenceInputs& in, Results& results);
void compute(const ConvTranspose& o, const ReferenceInputs& in, Results& results);
void compute(const CumSum& o, const ReferenceInputs& in, Results& results);
void compute(const Dequantize& o, const ReferenceInputs& in, Results& results);
void compute(const Dft& o, const ReferenceInputs& in, Results& results);
void compute(const Expand& o, const ReferenceInputs& in, Results& results);
void compute(const Gather& o, const ReferenceInputs& in, Results& results);
void compute(const GatherElements& o, const ReferenceInputs& in, Results& results);
void compute(const GatherNd& o, const ReferenceInputs& in, Results& results);
void compute(const Glu& o, const ReferenceInputs& in, Results& results);
void compute(const GroupNorm& o, const ReferenceInputs& in, Results& results);
void compute(const Gru& o, const ReferenceInputs& in, Results& results);
void compute(const LayerNorm& o, const ReferenceInputs& in, Results& results);
void compute(const Lstm& o, const ReferenceInputs& in, Results& results);
void compute(const MatMul& o, const ReferenceInputs& in, Results& results);
void compute(const OneHot& o, const ReferenceInputs& in, Results& results);
void compute(const Pad& o, const ReferenceInputs& in, Results& results);
void compute(const Pool& o, const ReferenceInputs& in, Results& results);
void compute(const Quantize& o, const ReferenceInputs& in, Results& results);
void compute(const Reduce& o, const ReferenceInputs& in, Results& results);
void compute(const Reshape& o, const ReferenceInputs& in, Results& results);
void compute(const Resize& o, const ReferenceInputs& in, Results& results);
void compute(const RmsNorm& o, const ReferenceInputs& in, Results& results);
void compute(const Rnn& o, const ReferenceInputs& in, Results& results);
void compute(const Rotary& o, const ReferenceInputs& in, Results& results);
void compute(const ScatterElements& o, const ReferenceInputs& in, Results& results);
void compute(const ScatterNd& o, const ReferenceInputs& in, Results& results);
void compute(const Slice& o, const ReferenceInputs& in, Results& results);
void compute(const Softmax& o, const ReferenceInputs& in, Results& results);
void compute(const Stft& o, const ReferenceInputs& in, Results& results);
void compute(const TopK& o, const ReferenceInputs& in, Results& results);
void compute(const Transpose& o, const ReferenceInputs& in, Results& results);
void compute(const Trilu& o, const ReferenceInputs& in, Results& results);
void compute(const Unary& o, const ReferenceInputs& in, Results& results);
void compute(const Where& o, const ReferenceInputs& in, Results& results);

/// The index of one element, outermost axis first.
using Index = std::vector<std::int64_t>;

/// Where an element lies in a dense array.
inline std::size_t offset_of(const Shape& shape, const Index& index) {
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < shape.rank(); ++i) offset = offset * shape[i] + index[i];
  return static_cast<std::size_t>(offset);
}

inline Number at(const ReferenceValue& value, const Index& index) {
  return value.values[offset_of(value.type.shape, index)];
}

/// Zero outside, as padding.
inline Number padded_at(const ReferenceValue& value, const Index& index) {
  for (std::size_t i = 0; i < index.size(); ++i) {
    if (index[i] < 0 || index[i] >= value.type.shape[i]) return 0;
  }
  return at(value, index);
}

/// Of a value repeated to a shape with `index`, by numpy's rule.
inline Number repeated_at(const ReferenceValue& value, const Index& index) {
  const Shape& shape = value.type.shape;
  Index own(shape.rank());
  const std::size_t skip = index.size() - shape.rank();
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = shape[i] == 1 ? 0 : index[i + skip];
  return at(value, own);
}

/// body(index) in the order of memory.
template <typename Body>
void for_each_index(const Shape& shape, Body&& body) {
  Index index(shape.rank());
  for (std::int64_t n = 0; n < shape.size(); ++n) {
    body(index);
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/// Fills a value with function(index).
template <typename Function>
void fill(ReferenceValue& value, Function&& function) {
  std::size_t i = 0;
  for_each_index(value.type.shape,
                 [&](const Index& index) { value.values[i++] = function(index); });
}

inline Number logistic(Number x) { return 1 / (1 + std::exp(-x)); }

}  // namespace metalaudio::nn
