#pragma once

namespace metalaudio::testing {

/// Where what std::aligned_alloc gives, and so every Buffer, lies on pages of its own between pages
/// that nobody may touch: next to the one behind it or to the one before it. Who reads or writes
/// beyond ends the program, also with instructions that no sanitizer knows.
enum class Guard { none, behind, before };

/// For what is allocated from here on, by any thread.
void set_guard(Guard guard) noexcept;

}  // namespace metalaudio::testing
