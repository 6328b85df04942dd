#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

namespace metalaudio {

/// A thread that looks for work by itself, since waking a thread is a system call that an audio
/// thread must not make: it calls `work` again and again, and sleeps for a period whenever that
/// returns false. Denormals are flushed there.
/// Errors:   the constructor throws Error{invalid_argument} on no work or a period below 1 µs, and
///           std::system_error where no thread can be had; `work` must not throw.
/// Threads:  made and destroyed on one control thread; the destructor waits for work under way.
class PollingWorker {
 public:
  PollingWorker(std::chrono::microseconds period, std::function<bool()> work);
  ~PollingWorker();
  PollingWorker(const PollingWorker&) = delete;
  PollingWorker& operator=(const PollingWorker&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace metalaudio
