#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace metalaudio::training {

/// One plucked string.
struct Pluck {
  double start_seconds = 0.0;
  double note = 40.0;           ///< MIDI: 40 is the lowest E; fractions are bends
  double length_seconds = 1.0;  ///< after which the hand damps it
  double strength = 1.0;        ///< the softer, the duller
  bool muted = false;           ///< by the palm, from the start
};

/// A guitar's pickup signal: plucked strings (Karplus and Strong, with Jaffe and Smith's tuning
/// and pick position), through a pickup's resonance. Peak 1 at most.
std::vector<float> play_guitar(std::span<const Pluck> plucks, double seconds, double sample_rate_hz,
                               std::uint32_t seed);

/// Chords, runs of single notes and palm mutes that the seed chooses; at least `seconds` long.
std::vector<Pluck> random_playing(double seconds, std::uint32_t seed);

/// The demonstration's phrase of fourteen seconds: an arpeggio, power chords, one that rings.
std::vector<Pluck> demo_playing();

/// A loudspeaker of 12 inches in a closed box, a microphone near its rim: resonances, the cone's
/// break-up, its steep end at 5 kHz and two reflections; 40 ms. Its loudest frequency has 0 dB.
std::vector<float> cabinet_response(double sample_rate_hz);

}  // namespace metalaudio::training
