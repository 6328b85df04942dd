#pragma once

#include <metalaudio/nn/operations/binary.h>
#include <metalaudio/nn/operations/unary.h>

#include <cstddef>

namespace metalaudio::nn::cpu {

/// Whether map() has a vector form of a function.
bool has_vector_form(UnaryFunction function) noexcept;
/// out = function(x) over `size` values, for functions that have a vector form.
void map(UnaryFunction function, float alpha, float beta, const float* x, std::size_t size,
         float* out);

bool has_vector_form(BinaryFunction function) noexcept;
/// out = function(a, b) over `size` values; an operand that repeats is one value.
void map(BinaryFunction function, const float* a, bool a_repeats, const float* b, bool b_repeats,
         std::size_t size, float* out);

/// Σ x², in float over short runs and double beyond.
double sum_of_squares(const float* x, std::size_t size);
/// out = x · gamma · factor; gamma may be null.
void scale_by(const float* x, const float* gamma, float factor, std::size_t size, float* out);

/// out[2j] = x[2j] cos[j] − x[2j+1] sin[j], out[2j+1] = x[2j+1] cos[j] + x[2j] sin[j].
void rotate_pairs(const float* x, const float* cosines, const float* sines, std::size_t pairs,
                  float* out);

/// out[n] = start[n] + Σ_k x[k] · weights[k · padded + n] for n < padded, a multiple of
/// gate_lanes(); start may be null (zeros), or out itself.
void multiply_vector(const float* x, std::size_t depth, const float* weights, std::size_t padded,
                     const float* start, float* out);
std::size_t gate_lanes();

/// One LSTM cell over padded units: gates[4][padded] hold the sums of i, f, g, o;
/// peephole[3][padded] of i, o, f or null; c and h are replaced.
void lstm_cell(const float* gates, const float* peephole, std::size_t padded, float* c, float* h);
/// One GRU cell, reset after the product: input[3][padded] and hidden[3][padded] hold the sums of
/// r, z, n with their biases.
void gru_cell(const float* input, const float* hidden, std::size_t padded, float* h);

/// Multiply-adds that depend on nothing but themselves, to measure what the processor can do at
/// best; the operations of one round, and a number that depends on all of them.
float multiply_add_rounds(std::size_t rounds);
double operations_per_round();

}  // namespace metalaudio::nn::cpu
