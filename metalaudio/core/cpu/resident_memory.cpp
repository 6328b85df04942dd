#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/resident_memory.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace metalaudio {

void lock_process_memory() {
  if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0) return;
  const int reason = errno;
  fail(ErrorCode::unsupported, "[Memory] locking it: {}; see `ulimit -l`", std::strerror(reason));
}

void unlock_process_memory() noexcept { munlockall(); }

void touch_stack(std::size_t bytes) noexcept {
  constexpr std::size_t kMost = std::size_t{256} << 10U;
  constexpr std::size_t kStep = 1024;  // no page is smaller
  const std::size_t steps = std::min(bytes, kMost) / kStep + 1;
  auto* const frame = static_cast<volatile char*>(__builtin_alloca(steps * kStep));
  // From the top down, as a stack grows.
  for (std::size_t i = steps; i-- > 0;) frame[i * kStep] = 0;
}

}  // namespace metalaudio
