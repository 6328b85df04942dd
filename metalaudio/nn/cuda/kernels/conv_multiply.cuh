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

template <int Columns>
constexpr int kSumPitch = sum_pitch(Columns);

/// Calls multiply(rows, columns) with every stage of the reduction as it lies in shared memory.
template <int Columns, typename Loads, typename F>
__device__ __forceinline__ void over_stages(Loads& loads, const char* tiles, F&& multiply) {
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
    const char* const rows = tiles + stage % kStages * (kTileRows + Columns) * kStageBytes;
    multiply(rows, rows + kTileRows * kStageBytes);
  }
  wait_for_copies<0>();
  __syncthreads();
}

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
  over_stages<Columns>(loads, tiles, [&](const char* a, const char* b) {
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
          for (int i = 0; i < 4; ++i) fa[m][i] = near_tf32(fa[m][i]);
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
  });
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

/// What two warp groups, of 64 rows each, have as sums, to shared memory.
template <int Columns>
__device__ __forceinline__ void store_group_sums(const float (&sums)[Columns / 2], char* tiles) {
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

/// Products by two warp groups.
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
  store_group_sums<Columns>(sums, tiles);
}

/// The same of float32 values, whose rows go through registers. tf32 rounds both factors. f32 takes
/// each as the sum of two numbers of tf32, which keeps 22 of its 24 bits, and multiplies all but the
/// two lower ones: its sums are as exact as float32 makes them. The tensor cores round towards zero
/// when they add, so every stage is summed by itself there, and the stages on the ordinary units.
/// `low` has room for the lower numbers of two stages of columns.
template <Product P, int Columns, typename Loads>
__device__ void multiply_floats_in_groups(Loads& loads, char* tiles, char* low) {
  constexpr bool kSplit = P == Product::f32;
  constexpr int kLowBytes = low_bytes(P, Columns) / 2;
  const auto tile_of = [&](int stage) {
    return tiles + stage % kStages * (kTileRows + Columns) * kStageBytes;
  };
  const auto split_columns = [&](int stage) {
    const auto* const from =
        reinterpret_cast<const float4*>(tile_of(stage) + kTileRows * kStageBytes);
    auto* const to = reinterpret_cast<float4*>(low + stage % 2 * kLowBytes);
    for (int i = static_cast<int>(threadIdx.x); i < kLowBytes / 16; i += kConvThreads) {
      const float4 v = from[i];
      to[i] = {cut_rest(v.x), cut_rest(v.y), cut_rest(v.z), cut_rest(v.w)};
    }
  };
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row = static_cast<int>(threadIdx.x) / 32 * 16 + lane % 16;
  float sums[Columns / 2] = {};
  const int stages = loads.stages();
#pragma unroll
  for (int stage = 0; stage < kStages - 1; ++stage) {
    if (stage < stages) loads.load(stage, stage);
    end_copies();
  }
  if constexpr (kSplit) {
    wait_for_copies<kStages - 2>();
    __syncthreads();
    split_columns(0);
  }
  for (int stage = 0; stage < stages; ++stage) {
    // Of the next stage too, whose columns are split while this one is multiplied.
    wait_for_copies<kSplit ? kStages - 3 : kStages - 2>();
    publish_to_products();
    __syncthreads();
    const char* const a = tile_of(stage);
    std::uint32_t rows[2][4];
    std::uint32_t rests[2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      load_matrices(rows[half], shared_address(a + swizzled(row, half * 2 + lane / 16)));
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if constexpr (kSplit) {
          split(rows[half][i], rows[half][i], rests[half][i]);
        } else {
          rows[half][i] = near_tf32(rows[half][i]);
        }
      }
    }
    const std::uint64_t columns = tile_descriptor(a + kTileRows * kStageBytes);
    const int ahead = stage + kStages - 1;
    if constexpr (kSplit) {
      const std::uint64_t lower = tile_descriptor(low + stage % 2 * kLowBytes);
      float block[Columns / 2];
      begin_products();
      multiply_group_tf32<Columns, true>(block, rests[0], columns);
      multiply_group_tf32<Columns, false>(block, rests[1], columns + 2);
      multiply_group_tf32<Columns, false>(block, rows[0], lower);
      multiply_group_tf32<Columns, false>(block, rows[1], lower + 2);
      multiply_group_tf32<Columns, false>(block, rows[0], columns);
      multiply_group_tf32<Columns, false>(block, rows[1], columns + 2);
      end_products();
      if (stage + 1 < stages) split_columns(stage + 1);
      if (ahead < stages) loads.load(ahead, ahead % kStages);
      end_copies();
      wait_for_products<0>();
#pragma unroll
      for (int i = 0; i < Columns / 2; ++i) {
        asm volatile("" : "+f"(block[i])::"memory");
        sums[i] += block[i];
      }
    } else {
      begin_products();
      multiply_group_tf32<Columns, false>(sums, rows[0], columns);
      multiply_group_tf32<Columns, false>(sums, rows[1], columns + 2);
      end_products();
      if (ahead < stages) loads.load(ahead, ahead % kStages);
      end_copies();
      wait_for_products<0>();
    }
  }
  wait_for_copies<0>();
  __syncthreads();
  store_group_sums<Columns>(sums, tiles);
}

/// The same in float32, on the ordinary units: 16 x 16 threads, each with every 16th row and column.
template <int Columns, typename Loads>
__device__ void multiply_tile_f32(Loads& loads, char* tiles) {
  constexpr int kM = kTileRows / 16;
  constexpr int kN = Columns / 16;
  const int column = static_cast<int>(threadIdx.x) % 16;
  const int row = static_cast<int>(threadIdx.x) / 16;

  float sums[kM][kN] = {};
  over_stages<Columns>(loads, tiles, [&](const char* a, const char* b) {
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
  });
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
