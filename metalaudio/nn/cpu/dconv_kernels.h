#pragma once

#include <metalaudio/nn/cpu/row_kernels.h>

#include <cstddef>

namespace metalaudio::nn::cpu {

// The parts of a DConv layer for a block of positions. Positions lie side by side in vectors, so
// that 6 hidden channels fill them as well as 48 do: channel c of position p is at
// [c · stride + p]. A stride is a multiple of 16; what lies behind `positions`, up to the next
// multiple, may be anything.

/// hidden[channel] = bias + Σ x[c][p + tap · dilation] · weight over three taps.
struct HiddenConv {
  const float* x;  ///< position 0's first tap
  std::size_t x_stride;
  std::size_t channels;
  std::size_t dilation;
  const float* weights;  ///< packed
  std::size_t hidden_channels;
  const float* next = nullptr;  ///< so many floats that are read soon; or null
  std::size_t next_floats = 0;
};
/// What weights[hidden][3][channels] and a bias[hidden] take when they are packed.
std::size_t hidden_conv_floats(std::size_t hidden_channels, std::size_t channels);
void pack_hidden_conv(const float* weights, const float* bias, std::size_t hidden_channels,
                      std::size_t channels, float* to);
/// Reads x for up to whole_conv_positions(positions) of them.
void convolve_hidden(const HiddenConv& conv, std::size_t positions, float* hidden,
                     std::size_t stride);
/// The positions that are computed together are so many at most, and a multiple of 16.
constexpr std::size_t whole_conv_positions(std::size_t positions) noexcept {
  return (positions + 47) / 48 * 48;
}

/// The moments of the values of all channels and positions, in two passes as moments() has it.
Moments hidden_moments(const float* hidden, std::size_t stride, std::size_t channels,
                       std::size_t positions);

/// hidden = gelu(hidden · scale[channel] + shift[channel]), in place.
void activate_hidden(float* hidden, std::size_t stride, std::size_t channels, std::size_t positions,
                     const float* scale, const float* shift);

/// With c = hidden - pivot[channel]:
/// sums[i] += Σ c_i over the positions, products[i · channels + j] += Σ c_i c_j for j >= i.
/// `centred` is room for centred_floats(channels, positions).
void add_products(const float* hidden, std::size_t stride, std::size_t channels,
                  std::size_t positions, const float* pivot, float* centred, double* sums,
                  double* products);
std::size_t centred_floats(std::size_t channels, std::size_t positions);

/// y = x + low / (1 + 2^gate) over rows of `channels` floats, where low and gate are the two halves
/// of (weights hidden) · scale + shift: for a sigmoid of the gate both are times kGateFactor.
constexpr double kGateFactor = -1.4426950408889634;  // -log2(e)
struct HiddenGate {
  const float* hidden;
  std::size_t stride;
  std::size_t hidden_channels;
  const float* weights;  ///< packed
  const float* scale;    ///< in the order of gate_place()
  const float* shift;    ///< the same
  const float* x;
  float* y;
  std::size_t channels;
  std::size_t ahead = 0;    ///< so many floats behind what is read of x, it is read soon
  std::size_t y_ahead = 0;  ///< the same of what is written
};
/// Where a packed gate has its column n of 2 · channels; it has gate_columns() of them.
std::size_t gate_place(std::size_t n, std::size_t channels);
std::size_t gate_columns(std::size_t channels);
/// weights[2 · channels][hidden] to gate_columns(channels) · hidden floats.
void pack_gate(const float* weights, std::size_t hidden_channels, std::size_t channels, float* to);
void gate_hidden(const HiddenGate& gate, std::size_t positions);

/// The same of products that are there: rows of 2 · channels floats, low before gate, side by side;
/// scale and shift in the same order. y may be x.
struct WideGate {
  const float* products;
  const float* scale;
  const float* shift;
  const float* x;
  float* y;
  std::size_t channels;
};
void gate_products(const WideGate& gate, std::size_t positions);

}  // namespace metalaudio::nn::cpu
