#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/nn/plan_blocks.h>

#include <cstddef>
#include <vector>

namespace metalaudio::nn {

/// How two chunks meet where they overlap.
enum class ChunkFade {
  none,  ///< from one sample to the next, in the middle; what is around is context
  linear,
  hann,  ///< along a raised cosine
};

struct ChunkOptions {
  std::size_t channels = 1;
  std::size_t chunk_samples = 0;    ///< what the function takes
  std::size_t overlap_samples = 0;  ///< of neighbouring chunks; at most half of one
  ChunkFade fade = ChunkFade::hann;
  std::size_t latency_samples = 0;  ///< of the function itself
};

/// Runs a function of blocks of one size, such as a plan, over a running signal: chunks that
/// overlap, cross-faded where they do. The two weights of a sample sum to 1. The function runs in
/// the callback that completes its chunk; where that is too much for one, InferenceQueue runs it
/// elsewhere. The output does not depend on how the input is cut into blocks. Samples that are not
/// finite, of the input as of the function's results, become silence and are noted in status().
/// Shapes:   in[channels][frames] -> out[channels][frames], any frames; may be the same memory.
/// Errors:   the constructor throws Error{invalid_argument} on no function, no channels, chunks of
///           0 or past 2^26, an overlap of more than half.
/// Threads:  one; status() and take_status() on any.
/// Realtime: process and reset, if the function is; status, take_status.
class ChunkedInference {
 public:
  ChunkedInference(BlockFunction function, const ChunkOptions& options);
  /// Channels and chunk are the plan's.
  ChunkedInference(Plan plan, const PlanPorts& ports, ChunkOptions options);

  METALAUDIO_REALTIME void process(ConstAudioView in, AudioView out) noexcept;
  /// Forgets all input; states of the function are the caller's to reset.
  METALAUDIO_REALTIME void reset() noexcept;

  /// chunk - 1 and the function's own; without a fade half of the overlap less.
  std::size_t latency_samples() const noexcept { return latency_; }

  /// The first of input_replaced and output_silenced since take_status().
  METALAUDIO_REALTIME Trouble status() const noexcept { return status_.peek(); }
  METALAUDIO_REALTIME Trouble take_status() noexcept { return status_.take(); }

 private:
  ChunkedInference(PlanBlocks blocks, ChunkOptions options);

  void run_chunk() noexcept;

  BlockFunction function_;
  ChunkOptions options_;
  std::size_t hop_;
  std::size_t latency_;
  std::vector<float> fade_;  // how much of the later chunk is in each sample of an overlap
  AudioBuffer input_;        // the chunk that fills
  std::size_t filled_ = 0;
  AudioBuffer output_;  // the last chunk
  AudioBuffer tail_;    // the end of the one before it, unfaded
  AudioBuffer ready_;   // hop finished samples, and those of the last hop that wait
  std::size_t first_ready_ = 0;
  std::size_t ready_frames_ = 0;
  RealtimeStatus status_;
};

}  // namespace metalaudio::nn
