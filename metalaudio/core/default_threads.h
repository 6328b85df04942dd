#pragma once

#include <metalaudio/core/hardware_profile.h>

#include <cstddef>

namespace metalaudio {

/// How many threads to take where nobody says: as many as cores that this process may use, or fewer,
/// where OMP_NUM_THREADS asks for fewer. That is read as OpenMP reads it: a whole number from 1 on, or
/// the first of a list; anything else is as if it were not set.
/// Threads: any that do not change the environment.
std::size_t default_threads(std::size_t usable_cores = HardwareProfile::detect().usable_cores);

}  // namespace metalaudio
