#pragma once

namespace metalaudio::nn::cpu {

/// Whether the processor has the tiles of AMX and the kernel lets this process use them, which is
/// asked once.
bool amx_is_granted() noexcept;

/// Gives this thread eight tiles of 16 rows of 64 bytes, and takes them back.
/// Realtime: all; the first tile that a thread uses makes the kernel give it room for them.
void configure_tiles() noexcept;
void release_tiles() noexcept;

}  // namespace metalaudio::nn::cpu
