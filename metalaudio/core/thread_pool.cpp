#include <metalaudio/core/error.h>
#include <metalaudio/core/thread_pool.h>

#include <pthread.h>

#include <new>
#include <system_error>

namespace metalaudio {
namespace {

std::atomic<unsigned> forks{0};

/// How many times this process is a child: counted by the child, so that asking costs nothing.
unsigned fork_count() {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
  return forks.load(std::memory_order_relaxed);
}

}  // namespace

ThreadPool::ThreadPool(std::size_t threads) : threads_(threads), forks_(fork_count()) {
  if (threads < 1)
    fail(ErrorCode::invalid_argument, "[ThreadPool] {} threads: at least 1", threads);
  try {
    start_workers(threads - 1);
  } catch (const std::system_error& error) {
    stop_workers();
    fail(ErrorCode::out_of_memory, "[ThreadPool] thread {} of {}: {}", workers_.size() + 1, threads,
         error.what());
  }
}

ThreadPool::~ThreadPool() {
  if (forks_ == fork_count())
    stop_workers();
  else
    forget_workers();
}

void ThreadPool::start_workers(std::size_t count) {
  workers_.reserve(count);
  for (std::size_t thread = 1; thread <= count; ++thread)
    workers_.emplace_back([this, thread] { work(thread); });
}

/// A child has the parent's threads in its memory alone: they can neither be joined nor woken, and
/// locks are as some of them left them. Their handles are given up, the locks are made anew.
void ThreadPool::forget_workers() noexcept {
  static_cast<void>(::new (std::nothrow) std::vector<std::thread>(std::move(workers_)));
  ::new (&workers_) std::vector<std::thread>();
  ::new (&mutex_) std::mutex();
  ::new (&start_) std::condition_variable();
  ::new (&finished_) std::condition_variable();
  generation_ = 0;
  active_ = 0;
}

void ThreadPool::restart_in_child() noexcept {
  const std::size_t count = workers_.size();
  forget_workers();
  forks_ = fork_count();
  try {
    start_workers(count);
  } catch (const std::exception&) {
    // With fewer, or none: the loop runs all the same.
  }
}

void ThreadPool::stop_workers() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(std::size_t count, Call call, void* body) {
  if (!workers_.empty() && forks_ != fork_count()) restart_in_child();
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
