#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace metalaudio::separation {

/// The upper 16 bits of a linear congruential generator, in [-1, 1).
inline std::vector<float> generator_noise(std::size_t frames) {
  std::uint32_t state = 1;
  std::vector<float> values(frames);
  for (float& value : values) {
    state = 1664525U * state + 1013904223U;
    value = static_cast<float>(static_cast<int>(state >> 16U) - 32768) / 32768.0F;
  }
  return values;
}

/// The sum of a golden's parts, as extreme() of tools/goldens/make_separation_goldens.py makes it.
inline AudioBuffer extreme_audio(const nlohmann::json& parts, std::size_t frames) {
  AudioBuffer mix(2, frames);
  for (std::size_t channel = 0; channel < 2; ++channel) {
    const auto out = mix.channel(channel);
    std::fill(out.begin(), out.end(), 0.0F);
    for (const auto& part : parts) {
      const std::vector<float> noise = generator_noise(frames);
      if (part.contains("spike")) {
        const auto frame = part["spike"][1].get<std::int64_t>();
        if (part["spike"][0].get<std::size_t>() == channel)
          out[frame < 0 ? frames - 1 : static_cast<std::size_t>(frame)] +=
              part["spike"][2].get<float>();
      } else if (part.contains("noise")) {
        const auto gain = part["gains"][channel].get<float>();
        for (std::size_t i = 0; i < frames; ++i)
          out[i] += noise[i] * part["noise"].get<float>() * gain;
      } else if (part.contains("kicks")) {
        const auto every = part["every"].get<std::size_t>();
        for (std::size_t i = 0; i < frames; ++i) {
          const int halvings = static_cast<int>(std::min<std::size_t>(i % every / 64, 100));
          out[i] += noise[i] * part["kicks"].get<float>() * std::ldexp(1.0F, -halvings);
        }
      } else {
        const auto half_period = part["half_period"].get<std::size_t>();
        const auto level = part["square"].get<float>();
        for (std::size_t i = 0; i < frames; ++i)
          out[i] += i / half_period % 2 == 0 ? level : -level;
      }
    }
  }
  return mix;
}

}  // namespace metalaudio::separation
