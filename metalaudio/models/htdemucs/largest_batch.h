#pragma once

#include <metalaudio/core/error.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace metalaudio::models {

/// As many segments at a time as leave the last batch nearly full, at most `most`.
inline std::size_t even_batch(std::size_t segments, std::size_t most) {
  const std::size_t count = std::max<std::size_t>(segments, 1);
  const std::size_t batches = (count + most - 1) / most;
  return (count + batches - 1) / batches;
}

/// make(batch), with half as many segments as long as that runs out of memory.
/// Errors:   throws what make throws; Error{out_of_memory} only where one segment does not fit.
template <typename Make>
auto largest_batch(std::size_t batch, Make make) {
  for (;; batch /= 2) {
    try {
      return make(batch);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::out_of_memory || batch == 1) throw;
    }
  }
}

}  // namespace metalaudio::models
