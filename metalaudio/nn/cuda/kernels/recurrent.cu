#include <metalaudio/nn/cuda/kernels/device_limits.h>
#include <metalaudio/nn/cuda/kernels/recurrent.h>
#include <metalaudio/nn/cuda/kernels/common.cuh>
#include <metalaudio/nn/cuda/kernels/functions.cuh>

#include <algorithm>

namespace metalaudio::nn::cuda {

namespace {

constexpr int kMostThreads = 1024;

__device__ float activated(const CellActivation& activation, float clip, float x) {
  if (clip > 0) x = fminf(fmaxf(x, -clip), clip);
  const Parameters parameters{activation.alpha, activation.beta};
  return activation.outer * unary(activation.function, activation.inner * x, parameters) +
         activation.offset;
}

/// One sequence in one direction. `kept` rows of the weights, one for each element of the state, lie
/// in shared memory; the others are read from the cache with every token.
template <Cell C>
__global__ void __launch_bounds__(kMostThreads)
    recurrent_kernel(__grid_constant__ const RecurrentShape shape,
                     __grid_constant__ const RecurrentPointers at, int kept) {
  extern __shared__ float memory[];
  const int hidden = shape.hidden;
  const int rows = shape.rows();
  float* const state = memory;
  float* const scaled = state + hidden;
  float* const cell = scaled + hidden;
  float* const sums = cell + hidden;  // hidden weights · state
  float* const inputs = sums + rows;  // what the token gives
  float* const weights = inputs + rows;
  const int thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);
  const std::int64_t direction = blockIdx.x % shape.directions;
  const std::int64_t batch = blockIdx.x / shape.directions;
  const bool back = shape.backward || direction == 1;
  const auto& activations = shape.activations[direction];

  const float* const all_weights = at.weight + direction * hidden * rows;
  for (int i = thread; i < kept * rows; i += threads) weights[i] = all_weights[i];
  const std::int64_t states = (direction * shape.batch + batch) * hidden;
  for (int n = thread; n < hidden; n += threads) {
    state[n] = at.first_hidden != nullptr ? at.first_hidden[states + n] : 0.0F;
    cell[n] = at.first_cell != nullptr ? at.first_cell[states + n] : 0.0F;
  }
  std::int64_t length = shape.tokens;
  if (at.lengths != nullptr) {
    length = shape.wide_lengths ? static_cast<const std::int64_t*>(at.lengths)[batch]
                                : static_cast<const std::int32_t*>(at.lengths)[batch];
    length = length < 0 ? 0 : length > shape.tokens ? shape.tokens : length;
  }
  __syncthreads();

  const auto bias = [&](const float* biases, int row) {
    return biases != nullptr ? biases[direction * rows + row] : 0.0F;
  };
  const auto product = [&](const float* by, int first, int last) {
    for (int row = first + thread; row < last; row += threads) {
      float even = bias(at.hidden_bias, row);
      float odd = 0;
      int k = 0;
#pragma unroll 4
      for (; k + 1 < kept; k += 2) {
        even = fmaf(weights[k * rows + row], by[k], even);
        odd = fmaf(weights[(k + 1) * rows + row], by[k + 1], odd);
      }
      for (; k < kept; ++k) even = fmaf(weights[k * rows + row], by[k], even);
#pragma unroll 8
      for (; k < hidden; ++k) {
        even = fmaf(all_weights[static_cast<std::int64_t>(k) * rows + row], by[k], even);
      }
      sums[row] = even + odd;
    }
  };
  const auto act = [&](int which, float x) { return activated(activations[which], shape.clip, x); };

  for (std::int64_t i = 0; i < length; ++i) {
    const std::int64_t token = back ? length - 1 - i : i;
    const float* const from =
        at.projection + ((batch * shape.tokens + token) * shape.directions + direction) * rows;
    for (int row = thread; row < rows; row += threads) {
      inputs[row] = from[row] + bias(at.input_bias, row);
    }
    const bool late = C == Cell::gru && !shape.reset_after;
    product(state, 0, late ? 2 * hidden : rows);
    __syncthreads();
    if (late) {
      for (int n = thread; n < hidden; n += threads) {
        scaled[n] = act(0, inputs[n] + sums[n]) * state[n];
      }
      __syncthreads();
      product(scaled, 2 * hidden, rows);
      __syncthreads();
    }
    float* const to =
        at.y + ((batch * shape.tokens + token) * shape.directions + direction) * hidden;
    for (int n = thread; n < hidden; n += threads) {
      const auto gate = [&](int g) { return inputs[g * hidden + n] + sums[g * hidden + n]; };
      float next;
      if constexpr (C == Cell::lstm) {
        const auto peephole = [&](int p) {
          return at.peephole != nullptr ? at.peephole[(direction * 3 + p) * hidden + n] : 0.0F;
        };
        float c = cell[n];
        const float in = act(0, gate(0) + peephole(0) * c);
        const float forget = shape.coupled ? 1.0F - in : act(0, gate(1) + peephole(2) * c);
        c = forget * c + in * act(1, gate(2));
        next = act(0, gate(3) + peephole(1) * c) * act(2, c);
        cell[n] = c;
      } else if constexpr (C == Cell::gru) {
        const float z = act(0, gate(1));
        const float inner = late ? sums[2 * hidden + n] : act(0, gate(0)) * sums[2 * hidden + n];
        next = (1.0F - z) * act(1, inputs[2 * hidden + n] + inner) + z * state[n];
      } else {
        next = act(0, gate(0));
      }
      state[n] = next;
      to[n] = next;
    }
    __syncthreads();
  }

  for (std::int64_t token = length; token < shape.tokens; ++token) {
    float* const to =
        at.y + ((batch * shape.tokens + token) * shape.directions + direction) * hidden;
    for (int n = thread; n < hidden; n += threads) to[n] = 0;
  }
  for (int n = thread; n < hidden; n += threads) {
    at.last_hidden[states + n] = state[n];
    if (at.last_cell != nullptr) at.last_cell[states + n] = cell[n];
  }
}

template <Cell C>
void launch_cell(const RecurrentShape& shape, const RecurrentPointers& at, cudaStream_t stream) {
  const int most = current_limits().shared_bytes;
  const int rows = shape.rows();
  const int fixed = (3 * shape.hidden + 2 * rows) * static_cast<int>(sizeof(float));
  const int row_bytes = rows * static_cast<int>(sizeof(float));
  const int kept = std::clamp((most - fixed) / row_bytes, 0, shape.hidden);
  const int bytes = fixed + kept * row_bytes;
  auto* const kernel = recurrent_kernel<C>;
  // Always the most: another thread may be about to launch a larger layer.
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most);
  const int threads = std::min(kMostThreads, (rows + 31) / 32 * 32);
  const auto blocks = static_cast<unsigned>(shape.batch * shape.directions);
  kernel<<<blocks, threads, static_cast<std::size_t>(bytes), stream>>>(shape, at, kept);
}

}  // namespace

void launch_recurrent(const RecurrentShape& shape, const RecurrentPointers& at,
                      cudaStream_t stream) {
  if (shape.batch == 0 || shape.hidden == 0) return;
  switch (shape.cell) {
    case Cell::lstm:
      return launch_cell<Cell::lstm>(shape, at, stream);
    case Cell::gru:
      return launch_cell<Cell::gru>(shape, at, stream);
    case Cell::rnn:
      return launch_cell<Cell::rnn>(shape, at, stream);
  }
}

}  // namespace metalaudio::nn::cuda
