#pragma once

#include <metalaudio/core/thread_pool.h>

#include <cstddef>
#include <exception>
#include <vector>

namespace metalaudio::separation {

/// Calls work(index) for every index below count, on a pool where there is one. Of what is thrown
/// the first index's is passed on, once all are done.
template <typename Work>
void for_each_index(ThreadPool* pool, std::size_t count, Work work) {
  if (pool == nullptr) {
    for (std::size_t index = 0; index < count; ++index) work(index);
    return;
  }
  std::vector<std::exception_ptr> failures(count);
  pool->parallel_for(count, [&](std::size_t index, std::size_t) {
    try {
      work(index);
    } catch (...) {
      failures[index] = std::current_exception();
    }
  });
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace metalaudio::separation
