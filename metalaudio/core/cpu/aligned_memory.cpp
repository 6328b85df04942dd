#include <metalaudio/core/cpu/aligned_memory.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace metalaudio {

namespace {
constexpr std::size_t kAlignment = 64;
}

void* allocate_aligned(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() - kAlignment) {
    fail(ErrorCode::out_of_memory, "[Memory] {} bytes", bytes);
  }
  const std::size_t lines = std::max<std::size_t>((bytes + kAlignment - 1) / kAlignment, 1);
  void* const data = std::aligned_alloc(kAlignment, lines * kAlignment);
  if (data == nullptr) fail(ErrorCode::out_of_memory, "[Memory] {} bytes", bytes);
  return data;
}

void free_aligned(void* data) noexcept { std::free(data); }

}  // namespace metalaudio
