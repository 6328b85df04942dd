#pragma once

#include <cstddef>

namespace metalaudio {

// Keeps page faults out of the audio thread. All memory of the library is written when it is made
// (Buffer zeroes it, weights are packed into it), so that the callback meets it mapped; what is
// left is that the system takes pages away when memory is short, and the thread's own stack.

/// Keeps every page of the process, and of what it allocates from here on, in memory. For the whole
/// process, since locks on pages neither nest nor end at a buffer's edge.
/// Errors:   throws Error{unsupported} where the system forbids it, as a rule by RLIMIT_MEMLOCK.
/// Threads:  any.
/// Realtime: no.
void lock_process_memory();
void unlock_process_memory() noexcept;

/// Writes so much of the calling thread's stack, to be called once on the audio thread: at most
/// 256 KiB, the least that systems give a thread.
/// Threads:  any.
/// Realtime: no.
void touch_stack(std::size_t bytes) noexcept;

}  // namespace metalaudio
