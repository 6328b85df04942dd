#pragma once

#include <cstdint>
#include <string>

namespace metalaudio::apps {

/// 205.4 -> "3:25", 3725 -> "1:02:05".
std::string clock_text(double seconds);

/// 4.93 -> "4.9", 0.049 -> "0.05".
std::string speed_text(double times_real_time);

/// 1536 MiB and more in GB with one decimal, less in MB (powers of 1024): "612 MB", "1.6 GB".
std::string memory_text(std::uint64_t bytes);

/// "turned down by 0.09 dB, so that it does not clip"; empty where nothing was done.
std::string gain_text(float gain);

}  // namespace metalaudio::apps
