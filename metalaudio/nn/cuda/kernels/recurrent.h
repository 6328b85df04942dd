#pragma once

#include <metalaudio/nn/operations/element_functions.h>

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>

namespace metalaudio::nn::cuda {

/// What a cell does with the sums of its gates.
enum class Cell { lstm, gru, rnn };

/// outer · function(inner · x) + offset.
struct CellActivation {
  UnaryFunction function = UnaryFunction::tanh;
  float alpha = 0;
  float beta = 0;
  float inner = 1;
  float outer = 1;
  float offset = 0;
};

struct RecurrentShape {
  Cell cell = Cell::lstm;
  std::int64_t batch = 0;
  std::int64_t tokens = 0;
  int hidden = 0;
  int gates = 4;
  int directions = 1;
  bool backward = false;  ///< the first direction; the second is always
  bool coupled = false;
  bool reset_after = true;
  float clip = 0;
  bool wide_lengths = false;  ///< i64, not i32
  /// Of each direction: gates, candidate, result.
  std::array<std::array<CellActivation, 3>, 2> activations{};

  constexpr int rows() const noexcept { return gates * hidden; }
};

/// What is absent is null. D directions.
struct RecurrentPointers {
  const float* projection = nullptr;  ///< x · input weights: [batch][tokens][D][gates · hidden]
  const float* weight = nullptr;      ///< [D][hidden][gates · hidden]: turned over
  const float* input_bias = nullptr;  ///< [D][gates · hidden]
  const float* hidden_bias = nullptr;
  const float* peephole = nullptr;  ///< [D][3 · hidden]
  const float* first_hidden = nullptr;
  const float* first_cell = nullptr;
  const void* lengths = nullptr;
  float* y = nullptr;  ///< [batch][tokens][D · hidden]
  float* last_hidden = nullptr;
  float* last_cell = nullptr;
};

/// Whose state a block keeps in shared memory.
constexpr int kMostHidden = 1024;

/// Walks through all sequences, each of them in one block, all tokens in one launch.
void launch_recurrent(const RecurrentShape& shape, const RecurrentPointers& at,
                      cudaStream_t stream);

}  // namespace metalaudio::nn::cuda
