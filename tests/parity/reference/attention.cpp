#include <algorithm>
#include <limits>

#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

namespace {

constexpr Number kHidden = -std::numeric_limits<Number>::infinity();

/// All hidden gives zeros.
void softmax(std::vector<Number>& scores) {
  if (scores.empty()) return;
  const Number top = *std::max_element(scores.begin(), scores.end());
  Number sum = 0;
  for (Number& s : scores) sum += s = top == kHidden ? 0 : std::exp(s - top);
  for (Number& s : scores) s = sum == 0 ? 0 : s / sum;
}

}  // namespace

void compute(const Attention& o, const ReferenceInputs& in, Results& results) {
  const ReferenceValue& q = *in[Attention::q];
  const ReferenceValue& k = *in[Attention::k];
  const ReferenceValue& v = *in[Attention::v];
  const ReferenceValue* mask = in.size() > Attention::mask ? in[Attention::mask] : nullptr;
  const Shape& shape = q.type.shape;
  const std::size_t axis = axis_of(o.axis, shape.rank());
  const std::int64_t depth = shape.back() / o.heads;
  const std::int64_t width = v.type.shape.back() / o.heads;
  const Number scale = o.scale != 0 ? Number{o.scale} : 1 / std::sqrt(Number(depth));
  fill(results[0], [&](const Index& index) {
    const std::int64_t head = index.back() / width;
    std::int64_t batch = 0;
    for (std::size_t i = 0; i + 1 < shape.rank(); ++i) {
      if (i != axis) batch = batch * shape[i] + index[i];
    }
    std::vector<Number> scores;
    for (std::int64_t key = 0; key < k.type.shape[axis]; ++key) {
      Index from = index;
      Index to = index;
      to[axis] = key;
      Number dot = 0;
      for (std::int64_t c = 0; c < depth; ++c) {
        from.back() = to.back() = head * depth + c;
        dot += at(q, from) * at(k, to);
      }
      dot *= scale;
      if (mask != nullptr) dot += repeated_at(*mask, {batch, head, index[axis], key});
      scores.push_back(o.causal && key > index[axis] ? kHidden : dot);
    }
    softmax(scores);
    Number sum = 0;
    for (std::int64_t key = 0; key < k.type.shape[axis]; ++key) {
      Index from = index;
      from[axis] = key;
      sum += scores[static_cast<std::size_t>(key)] * at(v, from);
    }
    return sum;
  });
}

void compute(const Softmax& o, const ReferenceInputs& in, Results& results) {
  const ReferenceValue& x = *in[0];
  const std::size_t axis = axis_of(o.axis, x.type.shape.rank());
  fill(results[0], [&](const Index& index) {
    Number top = kHidden;
    Number sum = 0;
    for (const bool second : {false, true}) {
      for (std::int64_t i = 0; i < x.type.shape[axis]; ++i) {
        Index from = index;
        from[axis] = i;
        if (second) {
          sum += std::exp(at(x, from) - top);
        } else {
          top = std::max(top, at(x, from));
        }
      }
    }
    const Number shifted = at(x, index) - top;
    return o.log ? shifted - std::log(sum) : std::exp(shifted) / sum;
  });
}

void compute(const Rotary& o, const ReferenceInputs& in, Results& results) {
  const ReferenceValue& x = *in[0];
  const std::vector<Number>& frequencies = in[1]->values;
  const auto pairs = static_cast<std::int64_t>(frequencies.size());
  const std::size_t axis = axis_of(o.axis, x.type.shape.rank());
  const std::int64_t depth = x.type.shape.back() / o.heads;
  fill(results[0], [&](const Index& index) {
    const std::int64_t head = index.back() / depth;
    const std::int64_t c = index.back() % depth;
    if (c >= 2 * pairs) return at(x, index);
    const std::int64_t pair = o.interleaved ? c / 2 : c % pairs;
    const bool second = o.interleaved ? c % 2 == 1 : c >= pairs;
    const Number angle = index[axis] * frequencies[static_cast<std::size_t>(pair)];
    Index a = index;
    Index b = index;
    a.back() = head * depth + (o.interleaved ? 2 * pair : pair);
    b.back() = head * depth + (o.interleaved ? 2 * pair + 1 : pairs + pair);
    return second ? at(x, b) * std::cos(angle) + at(x, a) * std::sin(angle)
                  : at(x, a) * std::cos(angle) - at(x, b) * std::sin(angle);
  });
}

}  // namespace metalaudio::nn
