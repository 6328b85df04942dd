#include "tests/support/guarded_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

// The allocator behind it, by its internal names.
extern "C" {
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* data);
}

namespace metalaudio::testing {

namespace {

constexpr std::size_t kPage = 4096;
/// Addresses, not memory; none is given twice, so that what was freed stays out of bounds.
constexpr std::size_t kRegion = std::size_t{1} << 38U;

std::atomic<Guard> current = Guard::none;
std::atomic<std::size_t> used = 0;

constexpr std::size_t whole(std::size_t n, std::size_t unit) {
  return (n + unit - 1) / unit * unit;
}

std::byte* map(std::size_t bytes, int access) noexcept {
  return static_cast<std::byte*>(
      mmap(nullptr, bytes, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}
std::byte* region() noexcept {
  static std::byte* const memory = map(kRegion, PROT_NONE);
  return memory;
}
/// How many bytes of pages begin at a page.
std::size_t& bytes_at(std::size_t page) noexcept {
  static auto* const table = reinterpret_cast<std::size_t*>(
      map(kRegion / kPage * sizeof(std::size_t), PROT_READ | PROT_WRITE));
  return table[page];
}

/// A block begins on the first of its pages.
void* allocate(std::size_t alignment, std::size_t size, Guard guard) noexcept {
  const std::size_t unit = std::max(alignment, kPage);
  const std::size_t bytes = whole(std::max<std::size_t>(size, 1), unit);
  // Room for a first page that is out of bounds, wherever the whole of it begins.
  const std::size_t start = whole(used.fetch_add(bytes + 2 * unit) + kPage, unit);
  std::byte* const pages = region() + start;
  if (start + bytes > kRegion || mprotect(pages, bytes, PROT_READ | PROT_WRITE) != 0) std::abort();
  bytes_at(start / kPage) = bytes;
  return guard == Guard::behind ? pages + bytes - whole(size, alignment) : pages;
}

}  // namespace

void set_guard(Guard guard) noexcept { current = guard; }

}  // namespace metalaudio::testing

using namespace metalaudio::testing;

// NOLINTBEGIN
extern "C" void* aligned_alloc(size_t alignment, size_t size) {
  const Guard guard = current;
  return guard == Guard::none ? __libc_memalign(alignment, size) : allocate(alignment, size, guard);
}

extern "C" void free(void* data) {
  const auto at = reinterpret_cast<std::uintptr_t>(data);
  const auto first = reinterpret_cast<std::uintptr_t>(region());
  if (at < first || at >= first + kRegion) return __libc_free(data);
  const std::size_t page = (at - first) / kPage;
  std::byte* const pages = region() + page * kPage;
  madvise(pages, bytes_at(page), MADV_DONTNEED);
  mprotect(pages, bytes_at(page), PROT_NONE);
}
// NOLINTEND
