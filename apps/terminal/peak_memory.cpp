#include "apps/terminal/peak_memory.h"

#include <sys/resource.h>

namespace metalaudio::apps {

std::uint64_t peak_memory_bytes() noexcept {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  constexpr std::uint64_t kKib = 1024;
  return static_cast<std::uint64_t>(usage.ru_maxrss) * kKib;
}

}  // namespace metalaudio::apps
