#pragma once

#include <metalaudio/nn/cuda/kernels/conv_memory.h>
#include <metalaudio/nn/cuda/kernels/tensor_core.cuh>

namespace metalaudio::nn::cuda {

constexpr int kConvThreads = 256;

/// Where chunk c (16 bytes) of row r lies in a tile of rows of 64 bytes, so that eight rows of one
/// chunk touch every bank once.
__device__ __forceinline__ int swizzled(int row, int chunk) {
  return row * kStageBytes + ((chunk ^ (row >> 1 & 3)) << 4);
}

/// The place of a row of the product.
struct RowOf {
  std::int64_t batch;
  int x0;
  int x1;

  __device__ RowOf(const ConvShape& shape, std::int64_t row) {
    if (shape.rows() < (std::int64_t{1} << 31)) {
      // Divisions of 64 bits are slow.
      const auto line = static_cast<unsigned>(row) / static_cast<unsigned>(shape.x1);
      x1 = static_cast<int>(static_cast<unsigned>(row) - line * static_cast<unsigned>(shape.x1));
      batch = line / static_cast<unsigned>(shape.x0);
      x0 = static_cast<int>(line - static_cast<unsigned>(batch) * static_cast<unsigned>(shape.x0));
    } else {
      const std::int64_t line = row / shape.x1;
      x1 = static_cast<int>(row - line * shape.x1);
      batch = line / shape.x0;
      x0 = static_cast<int>(line - batch * shape.x0);
    }
  }
};

/// Loads the rows of both factors, stage by stage. VectorBytes: of the input that is read at once.
template <typename T, int Columns, int VectorBytes>
class Loader {
 public:
  static constexpr int kRowChunks = kStageBytes / 16;
  static constexpr int kPieces = 16 / VectorBytes;  ///< of a chunk
  static constexpr int kRowsPerPass = kConvThreads / kRowChunks;
  static constexpr int kInputPasses = kTileRows / kRowsPerPass;

  __device__ Loader(const ConvShape& shape, const ConvPointers& at, std::int64_t first_row,
                    std::int64_t end_row, int first_column, char* tiles)
      : shape_(shape),
        taps_(at.taps),
        chunk_(static_cast<int>(threadIdx.x) % kRowChunks),
        row_(static_cast<int>(threadIdx.x) / kRowChunks),
        tiles_(tiles) {
    stages_ = (shape.depth * VectorBytes + kStageBytes - 1) / kStageBytes;
#pragma unroll
    for (int pass = 0; pass < kInputPasses; ++pass) {
      const std::int64_t row = first_row + row_ + pass * kRowsPerPass;
      const RowOf place(shape, row);
      const int from0 = place.x0 * shape.stride0 + shape.start0;
      from0_[pass] = row < end_row ? from0 : kOutside;
      from1_[pass] = place.x1 * shape.stride1 + shape.start1;
      const std::int64_t origin =
          (place.batch * shape.in0 + from0) * static_cast<std::int64_t>(shape.in1) + from1_[pass];
      input_[pass] = static_cast<const T*>(at.x) + origin * shape.channels;
    }
    weight_ = static_cast<const char*>(at.weight) +
              static_cast<std::int64_t>(first_column + row_) * stages_ * kStageBytes + chunk_ * 16;
    look_ahead(0);
  }

  __device__ int stages() const { return stages_; }

  /// Stage `stage` of the reduction, the one after the last one that was loaded, into buffer `buffer`.
  __device__ void load(int stage, int buffer) {
    char* const a = tiles_ + buffer * (kTileRows + Columns) * kStageBytes;
    char* const b = a + kTileRows * kStageBytes;
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
      const Tap tap = next_[piece];
#pragma unroll
      for (int pass = 0; pass < kInputPasses; ++pass) {
        const bool there =
            static_cast<unsigned>(from0_[pass] + tap.along0) < static_cast<unsigned>(shape_.in0) &&
            static_cast<unsigned>(from1_[pass] + tap.along1) < static_cast<unsigned>(shape_.in1);
        const T* const from = there ? input_[pass] + tap.offset : static_cast<const T*>(nullptr);
        char* const to = a + swizzled(row_ + pass * kRowsPerPass, chunk_) + piece * VectorBytes;
        if constexpr (VectorBytes >= 4) {
          copy_async<VectorBytes>(shared_address(to), there ? from : input_safe(), there);
        } else {
          *reinterpret_cast<T*>(to) = there ? *from : from_float<T>(0.0F);
        }
      }
    }
#pragma unroll
    for (int row = 0; row < Columns; row += kRowsPerPass) {
      if (Columns % kRowsPerPass == 0 || row_ + row < Columns) {
        copy_async<16>(shared_address(b + swizzled(row_ + row, chunk_)),
                       weight_ + (static_cast<std::int64_t>(row) * stages_ + stage) * kStageBytes,
                       true);
      }
    }
    look_ahead(stage + 1);
  }

 private:
  /// Taps are read one stage early, so that no address waits for them.
  __device__ void look_ahead(int stage) {
    if (stage >= stages_) return;
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
      next_[piece] = taps_[(stage * kRowChunks + chunk_) * kPieces + piece];
    }
  }

  static constexpr int kOutside = -(1 << 29);

  /// An address that may be named where nothing is read.
  __device__ const void* input_safe() const { return weight_; }

  const ConvShape& shape_;
  const Tap* taps_;
  int chunk_;
  int row_;
  char* tiles_;
  int stages_;
  int from0_[kInputPasses];
  int from1_[kInputPasses];
  const T* input_[kInputPasses];
  const char* weight_;
  Tap next_[kPieces];
};

}  // namespace metalaudio::nn::cuda
