#pragma once

#include <cstdint>

namespace metalaudio::apps {

/// The most memory that was resident in this process so far.
std::uint64_t peak_memory_bytes() noexcept;

}  // namespace metalaudio::apps
