#include <metalaudio/core/error.h>
#include <metalaudio/core/thread_pool.h>

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <system_error>

namespace metalaudio {
namespace {

std::atomic<unsigned> forks{0};

/// Of a ticket: the next index in the lower half, their number in the upper.
constexpr unsigned kCountShift = 32;
/// Far from both halves' ends, whatever the number of threads that ask once too often.
constexpr std::size_t kMostIndices = std::size_t{1} << 30U;
/// Longer than the others' last task of a step of a network, since to wake a thread takes longer than
/// many a step: but after a while whoever waits leaves its core to others that want it.
constexpr std::chrono::microseconds kPatience{2000};
constexpr std::chrono::microseconds kSelfishness{50};

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Looks out for something for a while; whether it came.
template <typename Condition>
bool comes_soon(Condition condition) noexcept {
  constexpr int kLooks = 32;
  const auto start = std::chrono::steady_clock::now();
  for (auto waited = std::chrono::steady_clock::duration::zero(); waited < kPatience;
       waited = std::chrono::steady_clock::now() - start) {
    if (waited > kSelfishness) std::this_thread::yield();
    for (int i = 0; i < kLooks; ++i) {
      if (condition()) return true;
      pause();
    }
  }
  return false;
}

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

/// A child has the parent's threads in its memory alone: they can neither be joined nor woken. Their
/// handles are given up.
void ThreadPool::forget_workers() noexcept {
  static_cast<void>(::new (std::nothrow) std::vector<std::thread>(std::move(workers_)));
  ::new (&workers_) std::vector<std::thread>();
  ticket_ = 0;
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
  stop_ = true;
  ++generation_;
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(std::size_t count, Call call, void* body) {
  if (!workers_.empty() && forks_ != fork_count()) restart_in_child();
  if (workers_.empty() || count <= 1) {
    for (std::size_t index = 0; index < count; ++index) call(body, index, 0);
    return;
  }
  for (std::size_t first = 0; first < count; first += kMostIndices)
    run_some(first, std::min(count - first, kMostIndices), call, body);
}

/// Returns when all indices are done, whether every thread has noticed the loop or not.
void ThreadPool::run_some(std::size_t first, std::size_t count, Call call, void* body) {
  call_ = call;
  body_ = body;
  first_ = first;
  mode_ = FloatingPointMode::current();
  done_.store(0, std::memory_order_relaxed);
  ticket_.store(std::uint64_t{count} << kCountShift, std::memory_order_release);
  ++generation_;
  generation_.notify_all();
  take_indices(0);
  const auto done = [&] { return done_.load(std::memory_order_acquire) == count; };
  if (comes_soon(done)) return;
  for (std::uint32_t so_far = done_.load(std::memory_order_acquire); so_far != count;
       so_far = done_.load(std::memory_order_acquire))
    done_.wait(so_far, std::memory_order_acquire);
}

void ThreadPool::work(std::size_t thread) {
  for (;;) {
    const std::uint32_t seen = generation_.load(std::memory_order_acquire);
    if (stop_) return;
    if (take_indices(thread)) continue;
    const auto changed = [&] { return generation_.load(std::memory_order_acquire) != seen; };
    if (!comes_soon(changed)) generation_.wait(seen, std::memory_order_acquire);
  }
}

bool ThreadPool::has_work() const noexcept {
  const std::uint64_t ticket = ticket_.load(std::memory_order_relaxed);
  return static_cast<std::uint32_t>(ticket) < ticket >> kCountShift;
}

/// Whether there were any.
bool ThreadPool::take_indices(std::size_t thread) noexcept {
  std::uint32_t taken = 0;
  while (has_work()) {
    const std::uint64_t ticket = ticket_.fetch_add(1, std::memory_order_acq_rel);
    const auto index = static_cast<std::uint32_t>(ticket);
    const auto count = static_cast<std::uint32_t>(ticket >> kCountShift);
    if (index >= count) break;
    if (thread != 0) mode_.apply();
    call_(body_, first_ + index, thread);
    ++taken;
    // The caller may start the next loop with this, so that nothing of this one is read after it.
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) done_.notify_one();
  }
  return taken > 0;
}

}  // namespace metalaudio
