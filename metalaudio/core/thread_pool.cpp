#include <metalaudio/core/error.h>
#include <metalaudio/core/thread_pool.h>

#include <system_error>

namespace metalaudio {

ThreadPool::ThreadPool(std::size_t threads) {
  if (threads < 1)
    fail(ErrorCode::invalid_argument, "[ThreadPool] {} threads: at least 1", threads);
  workers_.reserve(threads - 1);
  try {
    for (std::size_t thread = 1; thread < threads; ++thread) {
      workers_.emplace_back([this, thread] { work(thread); });
    }
  } catch (const std::system_error& error) {
    stop_workers();
    fail(ErrorCode::out_of_memory, "[ThreadPool] thread {} of {}: {}", workers_.size() + 1, threads,
         error.what());
  }
}

ThreadPool::~ThreadPool() { stop_workers(); }

void ThreadPool::stop_workers() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(std::size_t count, Call call, void* body) {
  if (workers_.empty() || count <= 1) {
    for (std::size_t index = 0; index < count; ++index) call(body, index, 0);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    call_ = call;
    body_ = body;
    count_ = count;
    mode_ = FloatingPointMode::current();
    next_.store(0, std::memory_order_relaxed);
    active_ = workers_.size();
    ++generation_;
  }
  start_.notify_all();
  take_indices(0);
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [this] { return active_ == 0; });
}

void ThreadPool::work(std::size_t thread) {
  std::size_t seen = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return stop_ || generation_ != seen; });
      if (stop_) return;
      seen = generation_;
    }
    mode_.apply();
    take_indices(thread);
    {
      const std::lock_guard lock(mutex_);
      if (--active_ == 0) finished_.notify_one();
    }
  }
}

void ThreadPool::take_indices(std::size_t thread) noexcept {
  for (;;) {
    const std::size_t index = next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= count_) return;
    call_(body_, index, thread);
  }
}

}  // namespace metalaudio
