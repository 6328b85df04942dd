#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

struct Sizes {
  std::int64_t batch;
  std::int64_t tokens;
  std::int64_t in;
  std::int64_t hidden;
  std::int64_t directions;
};

Sizes sizes_of(Dice& dice, Direction direction) {
  return {dice.between(1, 3), dice.between(1, 6), dice.size(), dice.size(), directions(direction)};
}

Direction direction_of(std::size_t variant) {
  constexpr Direction kDirections[] = {Direction::forward, Direction::backward, Direction::both};
  return kDirections[variant % 3];
}

/// x and the weights; the rest is absent or there, as the dice say.
std::vector<Value> inputs_of(Maker& m, Dice& dice, const Sizes& s, std::int64_t gates,
                             const Shape& bias) {
  const auto optional = [&](const Shape& shape) {
    return dice.flip() ? m.random(shape, 0.4) : Value{};
  };
  return {m.input({s.batch, s.tokens, s.in}), m.random({s.directions, gates * s.hidden, s.in}, 0.4),
          m.random({s.directions, gates * s.hidden, s.hidden}, 0.4), optional(bias),
          dice.flip() ? m.input({s.directions, s.batch, s.hidden}) : Value{}};
}

void outputs(Maker& m, const std::vector<Value>& results) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    m.graph.output("y" + std::to_string(i), results[i]);
  }
}

void lstm(Maker& m, Dice& dice, const Sizes& s, Direction direction) {
  std::vector<Value> in = inputs_of(m, dice, s, 4, {s.directions, 4 * s.hidden});
  in.push_back(dice.flip() ? m.input({s.directions, s.batch, s.hidden}) : Value{});
  in.push_back(dice.flip() ? m.random({s.directions, 3 * s.hidden}, 0.4) : Value{});
  outputs(m, m.graph.apply_all(Lstm{direction}, in));
}

void gru(Maker& m, Dice& dice, const Sizes& s, Direction direction, bool reset_after) {
  outputs(m, m.graph.apply_all(Gru{direction, reset_after},
                               inputs_of(m, dice, s, 3, {s.directions, 2, 3 * s.hidden})));
}

void rnn(Maker& m, Dice& dice, const Sizes& s, Direction direction, bool relu) {
  outputs(m, m.graph.apply_all(Rnn{direction, relu},
                               inputs_of(m, dice, s, 1, {s.directions, s.hidden})));
}

}  // namespace

std::vector<ParityCase> recurrent_cases() {
  const auto nothing = [](std::size_t v, std::int64_t directions) {
    const Sizes sizes[] = {
        {0, 4, 5, 6, directions}, {2, 0, 5, 6, directions}, {2, 4, 0, 6, directions}};
    return sizes[v];
  };
  return {
      {.name = "lstm",
       .make =
           [](Maker& m, std::size_t v) {
             Dice dice(v);
             lstm(m, dice, sizes_of(dice, direction_of(v)), direction_of(v));
           },
       .variants = 90},
      {.name = "gru_reset_after",
       .make =
           [](Maker& m, std::size_t v) {
             Dice dice(v);
             gru(m, dice, sizes_of(dice, direction_of(v)), direction_of(v), true);
           },
       .variants = 60},
      {.name = "gru_reset_before",
       .make =
           [](Maker& m, std::size_t v) {
             Dice dice(v);
             gru(m, dice, sizes_of(dice, direction_of(v)), direction_of(v), false);
           },
       .variants = 60},
      {.name = "rnn",
       .make =
           [](Maker& m, std::size_t v) {
             Dice dice(v);
             rnn(m, dice, sizes_of(dice, direction_of(v)), direction_of(v), v % 2 == 0);
           },
       .variants = 60},
      {.name = "recurrent_nothing",
       .make =
           [nothing](Maker& m, std::size_t v) {
             Dice dice(v);
             const Direction direction = direction_of(v);
             const Sizes sizes = nothing(v / 3 % 3, directions(direction));
             if (v < 9) return lstm(m, dice, sizes, direction);
             if (v < 18) return gru(m, dice, sizes, direction, true);
             if (v < 27) return gru(m, dice, sizes, direction, false);
             rnn(m, dice, sizes, direction, false);
           },
       .variants = 36},
  };
}

}  // namespace metalaudio::nn
