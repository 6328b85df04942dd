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

/// One LSTM or GRU layer. Weights [inputs or units][gates][padded] and biases [gates][padded]; the
/// gates are i, f, g, o or r, z, n, those with a sigmoid halved, which makes it ½ + ½ tanh.
struct Recurrent {
  bool gru = false;
  bool fast = false;
  Plane x;
  std::uint32_t units = 0;
  std::uint32_t padded = 0;  ///< to a multiple of kUnitPadding
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
