#pragma once

#include <cstddef>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace metalaudio {

/// A fixed set of threads that share loops with the thread that calls them. Passed to whoever may
/// use it; there is no global pool. Each thread begins with a share of neighbouring indices, the same
/// in every loop of a length, so that it finds in its cache what it left there, and then helps
/// others. Threads without work look out for the next loop for two milliseconds, soon offering
/// their core to others meanwhile, and then sleep. A child made by fork() gets threads of its own
/// with its first loop, as many as the system gives.
/// Errors:   the constructor throws Error{invalid_argument} unless threads >= 1, and
///           Error{out_of_memory} when the system gives no more threads.
/// Threads:  one caller of parallel_for at a time; a body must not throw.
/// Realtime: none; work for an audio thread runs without a pool.
class ThreadPool {
 public:
  /// The caller counts as one of the threads: ThreadPool(1) starts none.
  explicit ThreadPool(std::size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t threads() const noexcept { return threads_; }

  /// Calls body(index, thread) for every index in [0, count), in any order, and returns when all
  /// are done. thread < threads() names the running thread, for scratch memory of its own. Every
  /// thread rounds and flushes denormals as the caller does.
  template <typename Body>
  void parallel_for(std::size_t count, Body&& body) {
    using B = std::remove_reference_t<Body>;
    run(
        count, [](void* b, std::size_t i, std::size_t t) { (*static_cast<B*>(b))(i, t); },
        const_cast<std::remove_const_t<B>*>(&body));
  }

 private:
  using Call = void (*)(void* body, std::size_t index, std::size_t thread);

  void run(std::size_t count, Call call, void* body);
  void work(std::size_t thread);
  void start_workers(std::size_t count);
  void stop_workers() noexcept;
  void forget_workers() noexcept;
  void restart_in_child() noexcept;
  void run_some(std::size_t first, std::size_t count, Call call, void* body);
  bool take_indices(std::size_t thread) noexcept;
  std::size_t fullest_share() const noexcept;

  struct Share;
  struct Loop;

  std::size_t threads_;
  unsigned forks_;  // of the process, when the workers were started
  std::vector<std::thread> workers_;
  std::unique_ptr<Loop> loop_;
};

}  // namespace metalaudio
