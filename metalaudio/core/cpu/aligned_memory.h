#pragma once

#include <cstddef>

namespace metalaudio {

/// 64-byte aligned host memory, a whole number of 64-byte lines: what SIMD loads want.
/// Errors:   throws Error{out_of_memory}.
void* allocate_aligned(std::size_t bytes);
void free_aligned(void* data) noexcept;

}  // namespace metalaudio
