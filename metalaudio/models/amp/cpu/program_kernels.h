#pragma once

#include <metalaudio/models/amp/program.h>

#include <cstddef>
#include <cstdint>

namespace metalaudio::models::amp {

enum class Past : std::uint8_t {
  remember,  ///< what was computed becomes the past
  constant,  ///< the chunk's first frame becomes the whole past
};

/// Runs a program over one chunk of `frames` (1 to kChunkFrames): program.in holds the input,
/// program.out gets the output. positions[ring] moves on. A frame's numbers do not depend on how
/// many others are in its chunk.
/// Realtime: yes.
void run_program(const Program& program, float* state, std::uint32_t* positions, std::size_t frames,
                 Past past) noexcept;

/// The largest magnitude, infinite where a value is NaN.
float peak_of(const float* x, std::size_t frames) noexcept;

}  // namespace metalaudio::models::amp
