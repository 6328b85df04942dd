#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/terminal/gpu_text.h"

namespace metalaudio::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(GpuText, NamesEachGpuWithItsState) {
  GpuProfile hot;
  hot.properties = {.type = DeviceType::cuda,
                    .index = 0,
                    .name = "Fine GPU",
                    .memory_bytes = std::size_t{80} << 30U,
                    .architecture = "9.0",
                    .compute_units = 132,
                    .clock_mhz = 1980};
  hot.state.free_memory_bytes = std::size_t{79} << 30U;
  hot.state.celsius = 34.4;
  hot.state.clock_mhz = 345;
  hot.state.memory_clock_mhz = 2619;
  hot.state.slowed_by_heat = true;
  hot.state.slowed_by_power = true;
  GpuProfile old;
  old.properties = {.type = DeviceType::cuda,
                    .index = 1,
                    .name = "Old GPU",
                    .memory_bytes = std::size_t{6} << 30U,
                    .architecture = "6.1",
                    .compute_units = 10};
  old.trouble = "compute capability 6.1 is too old";
  EXPECT_THAT(
      gpu_rows({.gpus = {hot, old}}),
      ElementsAre(Pair("cuda:0",
                       "Fine GPU, compute capability 9.0, 132 multiprocessors up to 1980 MHz, "
                       "80.0 GB, 79.0 GB free"),
                  Pair("", "34 °C, 345 MHz now, memory 2619 MHz, slowed by heat, slowed for power"),
                  Pair("cuda:1", "Old GPU, compute capability 6.1, 10 multiprocessors, 6.0 GB"),
                  Pair("", "cannot be used: compute capability 6.1 is too old")));
}

TEST(GpuText, SaysWhyThereIsNone) {
  EXPECT_THAT(gpu_rows({.trouble = "no NVIDIA driver answers"}),
              ElementsAre(Pair("cuda", "none: no NVIDIA driver answers")));
}

}  // namespace
}  // namespace metalaudio::apps
