#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace metalaudio::dsp::cuda {

/// Samples in a row that a thread does; powers of their state's matrix are what the scan needs.
constexpr int kRun = 16;
/// Powers of two of runs, up to a warp's 32.
constexpr int kPowers = 6;

/// A section in the form of BiquadLaneSection: s1' = (1 - alpha1) s1 + s2 + gamma1 x,
/// s2' = -alpha2 s1 + s2 + gamma2 x, y = beta0 x + s1.
struct FilterSection {
  double beta0, gamma1, gamma2, alpha1, alpha2;
  double powers[kPowers][4];  ///< of the state's matrix, kRun · 2^i steps, row by row
};

constexpr unsigned kInputReplaced = 1;
constexpr unsigned kStateCleared = 2;

struct FilterWork {
  std::int64_t channels = 0;
  std::int64_t bands = 0;
  std::int64_t frames = 0;
  std::int64_t most_sections = 0;
  const FilterSection* sections = nullptr;  ///< [bands][most_sections]
  const int* counts = nullptr;              ///< sections of each band
  double2* states = nullptr;                ///< [channels][bands][most_sections]
  unsigned* trouble = nullptr;
};

/// in[channels][frames] -> out[channels][bands][frames], put into a stream.
void run_filters(const FilterWork& work, const float* in, float* out, cudaStream_t stream);

}  // namespace metalaudio::dsp::cuda
