#pragma once

#include <metalaudio/core/array.h>

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

namespace metalaudio::models::amp {

/// Frames that a program runs at once; longer blocks are cut.
constexpr std::size_t kChunkFrames = 64;

/// Channels of the chunk that is being worked on, each of kChunkFrames frames, in the state: a
/// buffer of its own (ring 0), or the window of a ring that is being filled.
struct Plane {
  std::uint32_t offset = 0;
  std::uint32_t stride = 0;
  std::uint32_t channels = 0;
  std::uint32_t ring = 0;

  Plane part(std::size_t first, std::size_t count) const {
    return {static_cast<std::uint32_t>(offset + first * stride), stride,
            static_cast<std::uint32_t>(count), ring};
  }
};

/// The past of a plane: `size` frames per channel that are filled in turn, and after them a copy of
/// the first kChunkFrames, so that any chunk of the past is contiguous. Ring 0 is none.
struct Ring {
  std::uint32_t offset = 0;
  std::uint32_t stride = 0;
  std::uint32_t channels = 0;
  std::uint32_t size = 0;
};

/// Channels of a plane, `delay` frames ago.
struct Tap {
  Plane plane;
  std::uint32_t delay = 0;
};

enum class Shape : std::uint8_t {
  identity,
  tanh,
  fast_tanh,  ///< nn::cpu's rational one
  nam_fast_tanh,
  hard_tanh,
  relu,
  leaky_relu,  ///< a: slope below zero
  prelu,       ///< slopes: one per channel
  sigmoid,
  fast_sigmoid,
  silu,
  hard_swish,
  leaky_hard_tanh,  ///< a, b: bounds; c, d: slopes beyond them
  softsign,
  elu,     ///< a: scale below zero
  affine,  ///< slopes: a factor per channel, then a term per channel
};

struct Curve {
  Shape shape = Shape::identity;
  float a = 0.0F;
  float b = 0.0F;
  float c = 0.0F;
  float d = 0.0F;
  std::uint32_t slopes = 0;  ///< in the weights
};

/// out[m] = bias[m] + residual[m] + Σ over the channels of all taps of weight · channel. The
/// weights lie in blocks of up to 8 outputs, in each of them channel after channel.
struct Product {
  std::uint32_t first_tap = 0;
  std::uint32_t taps = 0;
  std::uint32_t weights = 0;
  std::uint32_t bias = 0;
  Plane out;
  Plane residual;          ///< without channels: none
  bool rectified = false;  ///< on the way out: max(out, slope · out)
  float slope = 0.0F;
  Plane sum;  ///< as in Activate
  bool first = false;
};

/// x = curve(x), and sum = or += x where there is a sum.
struct Activate {
  Curve curve;
  Plane x;
  Plane sum;
  bool first = false;  ///< of the sum
};

/// x = x · gate, or gate · x + (1 − gate) · before.
struct Gate {
  Plane x;
  Plane gate;
  Plane before;  ///< without channels: none
};

/// out = x · scale + shift; without channels scale or shift is left out.
struct Modulate {
  Plane x;
  Plane scale;
  Plane shift;
  Plane out;
};

/// Over the channels of each frame.
struct Softmax {
  Plane x;
};

/// Units of a recurrent layer that are computed together: `wide` of them, then 8 more or none. In a
/// row of weights lie [gates][wide] and [4][8], so that two gates of the 8 fill a vector of 16; a
/// GRU's fourth is empty.
struct UnitBlock {
  std::size_t wide = 0;
  std::size_t narrow = 0;

  constexpr std::size_t units() const { return wide + narrow; }
  constexpr std::size_t row(std::size_t gates) const { return gates * wide + 4 * narrow; }
};

/// The next block where so many units are left.
constexpr UnitBlock next_block(std::size_t left) {
  if (left > 40 || (left > 24 && left <= 32)) return {32, 0};
  if (left > 32) return {32, 8};
  if (left > 16) return {16, 8};
  return left > 8 ? UnitBlock{16, 0} : UnitBlock{0, 8};
}

/// Hidden weights are multiplied by so many units at a time.
constexpr std::size_t kHiddenRows = 8;
constexpr std::size_t hidden_rows(std::size_t units) {
  return (units + kHiddenRows - 1) / kHiddenRows * kHiddenRows;
}

/// One LSTM or GRU layer. Every block of units has weights [inputs or units][row] and biases [row]
/// of its own. The gates are i, f, g, o or r, z, n, those with a sigmoid halved, which makes it
/// ½ + ½ tanh.
struct Recurrent {
  bool gru = false;
  bool fast = false;
  Plane x;
  std::uint32_t units = 0;
  std::uint32_t padded = 0;  ///< to whole blocks, and a multiple of kUnitPadding
  std::uint32_t input_weights = 0;
  std::uint32_t weights = 0;
  std::uint32_t bias = 0;
  std::uint32_t hidden_bias = 0;  ///< of a GRU's n, inside the reset
  std::uint32_t h = 0;            ///< in the state, as are the next two
  std::uint32_t c = 0;
  std::uint32_t frames = 0;  ///< [2][padded]: the units of this frame and of the one before
  Plane out;                 ///< the units, or one channel where a dense layer is folded in
  bool dense = false;
  std::uint32_t dense_weights = 0;  ///< [padded], and the bias
};

constexpr std::size_t kUnitPadding = 16;

/// Ends the filling of a ring's window: later taps may read it.
struct Commit {
  std::uint32_t ring = 0;
};

using Step = std::variant<Product, Activate, Gate, Modulate, Softmax, Recurrent, Commit>;

/// A network as steps over planes. It is the same for all channels; what they remember is in a
/// state.
struct Program {
  std::vector<Step> steps;
  std::vector<Tap> taps;
  std::vector<Ring> rings{Ring{}};
  Array<float> weights;
  Plane in;
  Plane out;
  std::size_t state_floats = 0;
  struct Initial {
    std::uint32_t offset = 0;
    std::vector<float> values;
  };
  std::vector<Initial> initial;      ///< of recurrent layers; the rest of the state starts at zero
  std::size_t receptive_frames = 1;  ///< after which the past has no influence, but through these
  bool recurrent = false;
};

}  // namespace metalaudio::models::amp
