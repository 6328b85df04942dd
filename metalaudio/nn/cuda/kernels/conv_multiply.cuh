#pragma once

#include <metalaudio/nn/cuda/kernels/conv_loader.cuh>
#include <metalaudio/nn/cuda/kernels/warp_group.cuh>

namespace metalaudio::nn::cuda {

/// How the eight warps share a tile of 128 rows.
template <int Columns>
struct WarpTile {
  static constexpr int kAlongColumns = Columns >= 128 ? 4 : Columns >= 64 ? 2 : 1;
  static constexpr int kAlongRows = 8 / kAlongColumns;
  static constexpr int kRows = kTileRows / kAlongRows;
  static constexpr int kColumns = Columns / kAlongColumns;
};

/// The tile of sums as it lies in shared memory before it is written.
template <int Columns>
constexpr int kSumPitch = Columns + 8;

/// Products on the tensor cores; leaves the sums in shared memory.
template <Product P, int Columns, typename Loads>
__device__ void multiply_tile(Loads& loads, char* tiles) {
  using Warp = WarpTile<Columns>;
  constexpr int kM = Warp::kRows / 16;
  constexpr int kN = Warp::kColumns / 8;
  static_assert(kN % 2 == 0);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int first_row = warp / Warp::kAlongColumns * Warp::kRows;
  const int first_column = warp % Warp::kAlongColumns * Warp::kColumns;

  float sums[kM][kN][4] = {};
  const int stages = loads.stages();
#pragma unroll
  for (int stage = 0; stage < kStages - 1; ++stage) {
    if (stage < stages) loads.load(stage, stage);
    end_copies();
  }
  for (int stage = 0; stage < stages; ++stage) {
    wait_for_copies<kStages - 2>();
    __syncthreads();
    const int ahead = stage + kStages - 1;
    if (ahead < stages) loads.load(ahead, ahead % kStages);
    end_copies();
    const char* const a = tiles + stage % kStages * (kTileRows + Columns) * kStageBytes;
    const char* const b = a + kTileRows * kStageBytes;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      std::uint32_t fa[kM][4];
      std::uint32_t fb[kN / 2][4];
#pragma unroll
      for (int m = 0; m < kM; ++m) {
        // Matrices: rows 0-7, rows 8-15, and both again one chunk on.
        const int row = first_row + m * 16 + lane % 16;
        load_matrices(fa[m], shared_address(a + swizzled(row, half * 2 + lane / 16)));
        if constexpr (P == Product::tf32) {
#pragma unroll
          for (int i = 0; i < 4; ++i) fa[m][i] = rounded_tf32(fa[m][i]);
        }
      }
#pragma unroll
      for (int n = 0; n < kN / 2; ++n) {
        // Matrices: columns 0-7 and one chunk on, columns 8-15 and one chunk on.
        const int row = first_column + n * 16 + lane % 8 + lane / 16 * 8;
        load_matrices(fb[n], shared_address(b + swizzled(row, half * 2 + lane / 8 % 2)));
      }
#pragma unroll
      for (int m = 0; m < kM; ++m) {
#pragma unroll
        for (int n = 0; n < kN; ++n) {
          multiply<P>(sums[m][n], fa[m], fb[n / 2][n % 2 * 2], fb[n / 2][n % 2 * 2 + 1]);
        }
      }
    }
  }
  wait_for_copies<0>();
  __syncthreads();
  auto* const out = reinterpret_cast<float*>(tiles);
#pragma unroll
  for (int m = 0; m < kM; ++m) {
#pragma unroll
    for (int n = 0; n < kN; ++n) {
      float* const at = out + (first_row + m * 16 + lane / 4) * kSumPitch<Columns> + first_column +
                        n * 8 + lane % 4 * 2;
      *reinterpret_cast<float2*>(at) = {sums[m][n][0], sums[m][n][1]};
      *reinterpret_cast<float2*>(at + 8 * kSumPitch<Columns>) = {sums[m][n][2], sums[m][n][3]};
    }
  }
  __syncthreads();
}

/// The same by two warp groups, of 64 rows each.
template <Product P, int Columns, typename Loads>
__device__ void multiply_tile_in_groups(Loads& loads, char* tiles) {
  const int group = static_cast<int>(threadIdx.x) / 128;
  float sums[Columns / 2] = {};
  const int stages = loads.stages();
  // A stage's buffer is free when both groups are through with it, which each knows of itself one
  // stage late.
#pragma unroll
  for (int stage = 0; stage < kStages - 2; ++stage) {
    if (stage < stages) loads.load(stage, stage);
    end_copies();
  }
  for (int stage = 0; stage < stages; ++stage) {
    wait_for_copies<kStages - 3>();
    publish_to_products();
    __syncthreads();
    const char* const a = tiles + stage % kStages * (kTileRows + Columns) * kStageBytes;
    const std::uint64_t rows = tile_descriptor(a + group * 64 * kStageBytes);
    const std::uint64_t columns = tile_descriptor(a + kTileRows * kStageBytes);
    begin_products();
    multiply_group<P, Columns>(sums, rows, columns);
    multiply_group<P, Columns>(sums, rows + 2, columns + 2);
    end_products();
    wait_for_products<1>();
    const int ahead = stage + kStages - 2;
    if (ahead < stages) loads.load(ahead, ahead % kStages);
    end_copies();
  }
  wait_for_products<0>();
  wait_for_copies<0>();
  __syncthreads();
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row = static_cast<int>(threadIdx.x) / 32 * 16 + lane / 4;
  float* const out = reinterpret_cast<float*>(tiles) + row * kSumPitch<Columns> + lane % 4 * 2;
#pragma unroll
  for (int n = 0; n < Columns / 8; ++n) {
    *reinterpret_cast<float2*>(out + n * 8) = {sums[n * 4], sums[n * 4 + 1]};
    *reinterpret_cast<float2*>(out + n * 8 + 8 * kSumPitch<Columns>) = {sums[n * 4 + 2],
                                                                        sums[n * 4 + 3]};
  }
  __syncthreads();
}

/// The same in float32, on the ordinary units: 16 x 16 threads, each with every 16th row and column.
template <int Columns, typename Loads>
__device__ void multiply_tile_f32(Loads& loads, char* tiles) {
  constexpr int kM = kTileRows / 16;
  constexpr int kN = Columns / 16;
  const int column = static_cast<int>(threadIdx.x) % 16;
  const int row = static_cast<int>(threadIdx.x) / 16;

  float sums[kM][kN] = {};
  const int stages = loads.stages();
#pragma unroll
  for (int stage = 0; stage < kStages - 1; ++stage) {
    if (stage < stages) loads.load(stage, stage);
    end_copies();
  }
  for (int stage = 0; stage < stages; ++stage) {
    wait_for_copies<kStages - 2>();
    __syncthreads();
    const int ahead = stage + kStages - 1;
    if (ahead < stages) loads.load(ahead, ahead % kStages);
    end_copies();
    const char* const a = tiles + stage % kStages * (kTileRows + Columns) * kStageBytes;
    const char* const b = a + kTileRows * kStageBytes;
#pragma unroll
    for (int chunk = 0; chunk < 4; ++chunk) {
      float4 fb[kN];
#pragma unroll
      for (int n = 0; n < kN; ++n) {
        fb[n] = *reinterpret_cast<const float4*>(b + swizzled(column + n * 16, chunk));
      }
#pragma unroll
      for (int m = 0; m < kM; ++m) {
        const float4 fa = *reinterpret_cast<const float4*>(a + swizzled(row + m * 16, chunk));
#pragma unroll
        for (int n = 0; n < kN; ++n) {
          sums[m][n] = fmaf(fa.x, fb[n].x, sums[m][n]);
          sums[m][n] = fmaf(fa.y, fb[n].y, sums[m][n]);
          sums[m][n] = fmaf(fa.z, fb[n].z, sums[m][n]);
          sums[m][n] = fmaf(fa.w, fb[n].w, sums[m][n]);
        }
      }
    }
  }
  wait_for_copies<0>();
  __syncthreads();
  auto* const out = reinterpret_cast<float*>(tiles);
#pragma unroll
  for (int m = 0; m < kM; ++m) {
#pragma unroll
    for (int n = 0; n < kN; ++n) {
      out[(row + m * 16) * kSumPitch<Columns> + column + n * 16] = sums[m][n];
    }
  }
  __syncthreads();
}

}  // namespace metalaudio::nn::cuda
