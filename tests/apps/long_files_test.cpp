#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "separate_setting.h"

namespace metalaudio::apps {
namespace {

constexpr std::uint32_t kRateHz = 8000;
constexpr std::uint32_t kFrameBytes = 4;  // two channels of 16 bits

/// A WAV file whose samples are a hole in the disk: silence.
void write_silence(const std::filesystem::path& path, std::uint32_t seconds) {
  const std::uint32_t bytes = seconds * kRateHz * kFrameBytes;
  const std::uint32_t header[] = {0x46464952, bytes + 36, 0x45564157, 0x20746D66,
                                  16,         0x00020001, kRateHz,    kRateHz * kFrameBytes,
                                  0x00100004, 0x61746164, bytes};
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(header), sizeof(header));
  std::filesystem::resize_file(path, sizeof(header) + bytes);
}

std::int64_t peak_kib(const SeparateSetting& setting, std::uint32_t seconds) {
  write_silence(setting / "long.wav", seconds);
  const ProgramResult result =
      setting.separate({"long.wav", "--mode", "time-only", "--shifts", "0", "--overlap", "0",
                        "--stems", "bass", "--overwrite"});
  EXPECT_EQ(result.status, 0) << result.err;
  return result.peak_memory_kib;
}

TEST(LongFiles, NeedNoMoreMemoryThanShorterOnes) {
  const SeparateSetting setting;
  // Both are past the point where samples move from memory to temporary files: at this rate an hour
  // is as long as eleven minutes at 44.1 kHz.
  const std::int64_t an_hour = peak_kib(setting, 3600);
  const std::int64_t ten_hours = peak_kib(setting, 10 * 3600);
  EXPECT_LT(static_cast<double>(ten_hours), 1.1 * static_cast<double>(an_hour));
}

}  // namespace
}  // namespace metalaudio::apps
