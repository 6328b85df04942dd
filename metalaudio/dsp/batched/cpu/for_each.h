#pragma once

#include <metalaudio/core/thread_pool.h>

#include <cstddef>

namespace metalaudio::dsp {

inline std::size_t threads_of(const ThreadPool* pool) noexcept {
  return pool != nullptr ? pool->threads() : 1;
}

/// Runs body(index, thread) on the pool, or here.
template <typename Body>
void for_each(std::size_t count, ThreadPool* pool, Body&& body) {
  if (pool != nullptr) {
    pool->parallel_for(count, body);
  } else {
    for (std::size_t i = 0; i < count; ++i) body(i, 0);
  }
}

}  // namespace metalaudio::dsp
