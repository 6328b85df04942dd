#include <metalaudio/core/cpu/aligned_memory.h>
#include <metalaudio/core/error.h>

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>

namespace metalaudio {

namespace {
constexpr std::size_t kAlignment = 64;
constexpr std::uintptr_t kHugePage = std::uintptr_t{2} << 20U;

/// Fewer page faults and fewer misses of the translation cache; where the system has no huge pages,
/// nothing changes.
void ask_for_huge_pages(void* data, std::size_t bytes) {
  const auto first = (reinterpret_cast<std::uintptr_t>(data) + kHugePage - 1) & ~(kHugePage - 1);
  const auto last = (reinterpret_cast<std::uintptr_t>(data) + bytes) & ~(kHugePage - 1);
  if (first >= last) return;
  ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() - kAlignment) {
    fail(ErrorCode::out_of_memory, "[Memory] not enough memory for {} bytes", bytes);
  }
  const std::size_t lines = std::max<std::size_t>((bytes + kAlignment - 1) / kAlignment, 1);
  // What starts on a huge page lies on as many as fit into it.
  const std::size_t alignment = bytes < 2 * kHugePage ? kAlignment : kHugePage;
  const std::size_t rounded = (lines * kAlignment + alignment - 1) / alignment * alignment;
  void* const data = std::aligned_alloc(alignment, rounded);
  if (data == nullptr)
    fail(ErrorCode::out_of_memory, "[Memory] not enough memory for {} bytes", bytes);
  ask_for_huge_pages(data, lines * kAlignment);
  return data;
}

void free_aligned(void* data) noexcept { std::free(data); }

}  // namespace metalaudio
