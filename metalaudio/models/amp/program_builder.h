#pragma once

#include <metalaudio/models/amp/program.h>

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace metalaudio::models::amp {

/// Values [rows][columns].
struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> values;

  Matrix() = default;
  Matrix(std::size_t r, std::size_t c) : rows(r), columns(c), values(r * c) {}
  float& at(std::size_t r, std::size_t c) { return values[r * columns + c]; }
  float at(std::size_t r, std::size_t c) const { return values[r * columns + c]; }
};

/// One summand of a product: channels at several delays, and its matrix over all of them in order.
struct Term {
  std::vector<Tap> taps;
  Matrix matrix;
};

/// A convolution as it is stored: weights [out][in / groups][kernel], the last tap the newest.
struct ConvWeights {
  std::size_t in = 0;
  std::size_t out = 0;
  std::size_t kernel = 1;
  std::size_t dilation = 1;
  std::size_t groups = 1;
  std::vector<float> weights;
  std::vector<float> bias;  ///< empty: none

  std::size_t past_frames() const { return (kernel - 1) * dilation; }
};

/// The weights of an LSTM (gates i, f, g, o) or a GRU (r, z, n, reset after the product).
struct RecurrentWeights {
  bool gru = false;
  std::size_t inputs = 0;
  std::size_t units = 0;
  Matrix input;              ///< [gates · units][inputs]
  Matrix hidden;             ///< [gates · units][units]
  std::vector<float> bias;   ///< [gates · units]; of a GRU's n that of the input alone
  std::vector<float> reset;  ///< [units]: of a GRU's n, inside the reset
  std::vector<float> h;      ///< at the start; empty: zero
  std::vector<float> c;
};

/// Writes a Program: planes first, then steps in their order.
/// Errors:   throws Error{invalid_data} where a network needs more than 128 MiB or its parts do not
///           fit each other.
class ProgramBuilder {
 public:
  explicit ProgramBuilder(bool fast) : fast_(fast) {}

  Plane plane(std::size_t channels);
  /// A plane whose last past_frames stay; complete() ends its filling.
  Plane ring(std::size_t channels, std::size_t past_frames);
  void complete(const Plane& ring);
  /// The same channels with a past, for a convolution.
  Plane remembered(const Plane& x, std::size_t past_frames);

  void product(const std::vector<Term>& terms, std::span<const float> bias, const Plane& out,
               const Plane& residual = {});
  /// A product of one matrix, which joins a recurrent layer before it where it has one output.
  Plane dense(const Plane& x, const Matrix& matrix, std::span<const float> bias);
  /// x remembers as many frames as the convolution takes. More terms only without groups.
  void convolution(const Plane& x, const ConvWeights& weights, const Plane& out,
                   const std::vector<Term>& more = {}, const Plane& residual = {});
  Plane recurrent(const Plane& x, const RecurrentWeights& weights);

  void activate(Curve curve, const Plane& x, const Plane& sum = {}, bool first = false);
  void add(const Step& step) { program_.steps.push_back(step); }
  std::uint32_t weights(std::span<const float> values);
  /// A step's receptive field; those of a chain add up.
  void need_past(std::size_t frames) { program_.receptive_frames += frames; }

  Program finish(const Plane& in, const Plane& out);

 private:
  std::uint32_t reserve(std::size_t floats);
  /// Whether the step before is the product that makes x, and the curve one that it can take on.
  bool joins_product(const Curve& curve, const Plane& x) const;
  std::vector<float> packed(const RecurrentWeights& from, const Matrix& matrix,
                            std::size_t rows) const;

  bool fast_;
  Program program_;
  std::vector<float> weights_;
};

}  // namespace metalaudio::models::amp
