#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/core/realtime/polling_worker.h>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <utility>

namespace metalaudio {

PollingWorker::PollingWorker(std::chrono::microseconds period, std::function<bool()> work) {
  if (!work) fail(ErrorCode::invalid_argument, "[PollingWorker] no work");
  if (period.count() < 1) {
    fail(ErrorCode::invalid_argument, "[PollingWorker] a period of {} µs: expected at least 1",
         period.count());
  }
  thread_ = std::thread([this, period, body = std::move(work)] {
    const FlushDenormals flush;
#if defined(__linux__)
    // Unless told, Linux lets sleeps end 50 µs late.
    ::prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
#endif
    while (!stop_.load(std::memory_order_relaxed)) {
      if (!body()) std::this_thread::sleep_for(period);
    }
  });
}

PollingWorker::~PollingWorker() {
  stop_.store(true, std::memory_order_relaxed);
  thread_.join();
}

}  // namespace metalaudio
