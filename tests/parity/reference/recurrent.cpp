#include <functional>

#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

namespace {

using Vector = std::vector<Number>;

/// One direction of one layer: rows of its weights, and its biases, by number.
struct Layer {
  const ReferenceInputs& in;
  std::int64_t direction;

  /// (row n of the weights of input 1 or 2) · v.
  Number product(std::size_t input, std::int64_t n, const Vector& v) const {
    Number sum = 0;
    for (std::size_t k = 0; k < v.size(); ++k) {
      sum += at(*in[input], {direction, n, static_cast<std::int64_t>(k)}) * v[k];
    }
    return sum;
  }
  /// Element n of [direction] of an optional input; zero where it is absent.
  Number optional(std::size_t input, std::int64_t n) const {
    if (input >= in.size() || in[input] == nullptr) return 0;
    const Shape& shape = in[input]->type.shape;
    const std::int64_t size = shape.size() / shape[0];
    return in[input]->values[static_cast<std::size_t>(direction * size + n)];
  }
};

/// What a layer applies: its own activation number `which` of `each` per direction, or the usual
/// one.
template <typename Operation>
Number activated(const Operation& o, const Layer& layer, std::size_t each, std::size_t which,
                 UnaryFunction usual, Number x) {
  RecurrentActivation a{usual};
  if (!o.activations.empty()) {
    a = o.activations[static_cast<std::size_t>(layer.direction) * each + which];
  }
  if (o.clip > 0) x = std::fmin(std::fmax(x, -o.clip), o.clip);
  const ReferenceValue argument{{{1}, DataType::f64}, {x * a.inner}};
  return reference(Unary{a.function, a.alpha, a.beta}, {&argument})[0].values[0] * a.outer +
         a.offset;
}

/// Walks through all sequences: step(layer, x, h, c) replaces h and c by those of the next token.
using Step = std::function<void(const Layer&, const Vector&, Vector&, Vector&)>;

void walk(Direction direction, const ReferenceInputs& in, std::size_t lengths,
          std::size_t cell_input, Results& results, const Step& step) {
  const Shape& x = in[0]->type.shape;
  const std::int64_t hidden = in[2]->type.shape[2];
  for (std::int64_t d = 0; d < directions(direction); ++d) {
    for (std::int64_t b = 0; b < x[0]; ++b) {
      const auto initial = [&](std::size_t input) {
        Vector state(static_cast<std::size_t>(hidden));
        if (input >= in.size() || in[input] == nullptr) return state;
        for (std::int64_t n = 0; n < hidden; ++n) {
          state[static_cast<std::size_t>(n)] = at(*in[input], {d, b, n});
        }
        return state;
      };
      Vector h = initial(4);
      Vector c = cell_input != 0 ? initial(cell_input) : Vector{};
      const bool shorter = lengths < in.size() && in[lengths] != nullptr;
      const std::int64_t length =
          shorter ? static_cast<std::int64_t>(in[lengths]->values[static_cast<std::size_t>(b)])
                  : x[1];
      for (std::int64_t i = 0; i < length; ++i) {
        const bool back = direction == Direction::backward || d == 1;
        const std::int64_t token = back ? length - 1 - i : i;
        Vector from;
        for (std::int64_t k = 0; k < x[2]; ++k) from.push_back(at(*in[0], {b, token, k}));
        step({in, d}, from, h, c);
        for (std::int64_t n = 0; n < hidden; ++n) {
          const Index to{b, token, d * hidden + n};
          results[0].values[offset_of(results[0].type.shape, to)] = h[static_cast<std::size_t>(n)];
        }
      }
      for (std::int64_t n = 0; n < hidden; ++n) {
        const std::size_t to = offset_of(results[1].type.shape, {d, b, n});
        results[1].values[to] = h[static_cast<std::size_t>(n)];
        if (cell_input != 0) results[2].values[to] = c[static_cast<std::size_t>(n)];
      }
    }
  }
}

}  // namespace

void compute(const Lstm& o, const ReferenceInputs& in, Results& results) {
  const std::int64_t size = in[2]->type.shape[2];
  const auto step = [size, &o](const Layer& l, const Vector& x, Vector& h, Vector& c) {
    const Vector before = h;
    const auto act = [&](std::size_t which, Number v) {
      return activated(o, l, 3, which, which == 0 ? UnaryFunction::sigmoid : UnaryFunction::tanh,
                       v);
    };
    for (std::int64_t n = 0; n < size; ++n) {
      const auto gate = [&](std::int64_t g) {
        const std::int64_t row = g * size + n;
        return l.product(1, row, x) + l.product(2, row, before) + l.optional(3, row);
      };
      const auto peephole = [&](std::int64_t p) { return l.optional(6, p * size + n); };
      Number& cell = c[static_cast<std::size_t>(n)];
      const Number i = act(0, gate(0) + peephole(0) * cell);
      const Number f = o.coupled ? 1 - i : act(0, gate(1) + peephole(2) * cell);
      cell = f * cell + i * act(1, gate(2));
      h[static_cast<std::size_t>(n)] = act(0, gate(3) + peephole(1) * cell) * act(2, cell);
    }
  };
  walk(o.direction, in, Lstm::lengths, Lstm::cell, results, step);
}

void compute(const Gru& o, const ReferenceInputs& in, Results& results) {
  const std::int64_t size = in[2]->type.shape[2];
  const auto step = [size, &o](const Layer& l, const Vector& x, Vector& h, Vector&) {
    const Vector before = h;
    const auto act = [&](std::size_t which, Number v) {
      return activated(o, l, 2, which, which == 0 ? UnaryFunction::sigmoid : UnaryFunction::tanh,
                       v);
    };
    const auto sum = [&](std::int64_t g, std::int64_t n, const Vector& from) {
      return l.product(2, g * size + n, from) + l.optional(3, (3 + g) * size + n);
    };
    const auto input = [&](std::int64_t g, std::int64_t n) {
      return l.product(1, g * size + n, x) + l.optional(3, g * size + n);
    };
    Vector reset(h.size());
    Vector scaled(h.size());
    for (std::int64_t n = 0; n < size; ++n) {
      const auto at = static_cast<std::size_t>(n);
      reset[at] = act(0, input(0, n) + sum(0, n, before));
      scaled[at] = reset[at] * before[at];
    }
    for (std::int64_t n = 0; n < size; ++n) {
      const auto at = static_cast<std::size_t>(n);
      const Number z = act(0, input(1, n) + sum(1, n, before));
      const Number inner = o.reset_after ? reset[at] * sum(2, n, before) : sum(2, n, scaled);
      h[at] = (1 - z) * act(1, input(2, n) + inner) + z * before[at];
    }
  };
  walk(o.direction, in, Gru::lengths, 0, results, step);
}

void compute(const Rnn& o, const ReferenceInputs& in, Results& results) {
  const std::int64_t size = in[2]->type.shape[2];
  const auto step = [size, &o](const Layer& l, const Vector& x, Vector& h, Vector&) {
    const Vector before = h;
    for (std::int64_t n = 0; n < size; ++n) {
      const Number sum = l.product(1, n, x) + l.product(2, n, before) + l.optional(3, n);
      h[static_cast<std::size_t>(n)] =
          activated(o, l, 1, 0, o.relu ? UnaryFunction::relu : UnaryFunction::tanh, sum);
    }
  };
  walk(o.direction, in, Rnn::lengths, 0, results, step);
}

}  // namespace metalaudio::nn
