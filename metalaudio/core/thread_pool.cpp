#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/core/thread_pool.h>

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <new>
#include <system_error>

namespace metalaudio {
namespace {

std::atomic<unsigned> forks{0};

/// Far from both halves' ends of a ticket, whatever the number of threads that ask once too often.
constexpr std::size_t kMostIndices = std::size_t{1} << 30U;
constexpr std::size_t kCacheLine = 64;
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

/// Neighbouring indices of a loop: the next in the lower half of a word and their end in the upper,
/// so that whoever comes late takes none of a loop that it did not see.
struct alignas(kCacheLine) ThreadPool::Share {
  void fill(std::size_t first, std::size_t end) noexcept {
    ticket.store(std::uint64_t{end} << 32U | first, std::memory_order_release);
  }
  static std::size_t left(std::uint64_t ticket) noexcept {
    const auto next = static_cast<std::uint32_t>(ticket);
    const auto end = static_cast<std::uint32_t>(ticket >> 32U);
    return end > next ? end - next : 0;
  }
  std::size_t left() const noexcept { return left(ticket.load(std::memory_order_relaxed)); }
  /// Whether there was one.
  bool take(std::size_t* index) noexcept {
    if (left() == 0) return false;
    const std::uint64_t taken = ticket.fetch_add(1, std::memory_order_acq_rel);
    *index = static_cast<std::uint32_t>(taken);
    return left(taken) > 0;
  }

  std::atomic<std::uint64_t> ticket{0};
};

/// What is written by the caller before the shares is read by those whom a share gave an index, and
/// not written again before all of these have said that they are done.
struct ThreadPool::Loop {
  explicit Loop(std::size_t threads) : shares(threads) {}

  std::vector<Share> shares;  ///< by thread
  Call call = nullptr;
  void* body = nullptr;
  std::size_t first = 0;
  std::size_t count = 0;
  FloatingPointMode mode = FloatingPointMode::current();
  alignas(kCacheLine) std::atomic<std::uint32_t> done{0};        ///< indices
  alignas(kCacheLine) std::atomic<std::uint32_t> generation{0};  ///< of loops; sleepers wait for it
  std::atomic<bool> stop{false};
};

ThreadPool::ThreadPool(std::size_t threads)
    : threads_(threads), forks_(fork_count()), loop_(std::make_unique<Loop>(threads)) {
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
  for (Share& share : loop_->shares) share.fill(0, 0);
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
  loop_->stop = true;
  ++loop_->generation;
  loop_->generation.notify_all();
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
  Loop& loop = *loop_;
  loop.call = call;
  loop.body = body;
  loop.first = first;
  loop.count = count;
  loop.mode = FloatingPointMode::current();
  loop.done.store(0, std::memory_order_relaxed);
  for (std::size_t t = 0; t < threads_; ++t)
    loop.shares[t].fill(t * count / threads_, (t + 1) * count / threads_);
  ++loop.generation;
  loop.generation.notify_all();
  take_indices(0);
  const auto done = [&] { return loop.done.load(std::memory_order_acquire) == count; };
  if (comes_soon(done)) return;
  for (std::uint32_t so_far = loop.done.load(std::memory_order_acquire); so_far != count;
       so_far = loop.done.load(std::memory_order_acquire))
    loop.done.wait(so_far, std::memory_order_acquire);
}

void ThreadPool::work(std::size_t thread) {
  std::atomic<std::uint32_t>& generation = loop_->generation;
  for (;;) {
    const std::uint32_t seen = generation.load(std::memory_order_acquire);
    if (loop_->stop) return;
    if (take_indices(thread)) continue;
    const auto changed = [&] { return generation.load(std::memory_order_acquire) != seen; };
    if (!comes_soon(changed)) generation.wait(seen, std::memory_order_acquire);
  }
}

/// Of the threads, or their number where all is taken.
std::size_t ThreadPool::fullest_share() const noexcept {
  std::size_t fullest = threads_;
  std::size_t most = 0;
  for (std::size_t t = 0; t < threads_; ++t) {
    const std::size_t left = loop_->shares[t].left();
    if (left <= most) continue;
    most = left;
    fullest = t;
  }
  return fullest;
}

/// Whether there were any.
bool ThreadPool::take_indices(std::size_t thread) noexcept {
  Loop& loop = *loop_;
  std::uint32_t taken = 0;
  for (std::size_t share = thread; share < threads_; share = fullest_share()) {
    for (std::size_t index = 0; loop.shares[share].take(&index); ++taken) {
      if (thread != 0 && taken == 0) loop.mode.apply();
      loop.call(loop.body, loop.first + index, thread);
    }
  }
  if (taken == 0) return false;
  // The caller may start the next loop with this, so that nothing of this one is read after it.
  const std::size_t count = loop.count;
  if (loop.done.fetch_add(taken, std::memory_order_acq_rel) + taken == count)
    loop.done.notify_one();
  return true;
}

}  // namespace metalaudio
