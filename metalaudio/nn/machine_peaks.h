#pragma once

#include <metalaudio/core/thread_pool.h>

namespace metalaudio::nn {

/// What this machine does at best with these threads, measured: the roof over every step.
struct MachinePeaks {
  double float_operations_per_second = 0;  ///< float32, a fused multiply-add counts two
  double bytes_per_second = 0;             ///< read and written by a copy beyond the caches
};

/// Takes about 0.2 s. pool may be null: the calling thread alone.
/// Threads:  any; offline.
MachinePeaks measure_peaks(ThreadPool* pool);

}  // namespace metalaudio::nn
