#pragma once

#include <cstddef>
#include <functional>

namespace metalaudio::dsp {

/// The largest size, of the powers of two from `least` to `most`, at which the CPU is at least as
/// fast; 0 where there is none, and the largest number where that is `most`.
std::size_t find_gpu_threshold(std::size_t least, std::size_t most,
                               const std::function<double(std::size_t)>& cpu_seconds,
                               const std::function<double(std::size_t)>& gpu_seconds);

}  // namespace metalaudio::dsp
