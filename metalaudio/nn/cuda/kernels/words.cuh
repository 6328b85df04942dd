#pragma once

#include <cstddef>
#include <cstdint>

namespace metalaudio::nn::cuda {

/// Calls f with an unsigned number as wide as an element: moving does not care what it moves.
template <typename F>
void visit_word(std::size_t bytes, F&& f) {
  switch (bytes) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

}  // namespace metalaudio::nn::cuda
