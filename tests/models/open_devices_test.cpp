#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/models/htdemucs/largest_batch.h>
#include <metalaudio/models/open_devices.h>

#include <vector>

namespace metalaudio::models {
namespace {

ErrorCode code_of(std::string_view devices) {
  try {
    open_devices(devices);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("device " + std::string(devices)));
    return error.code();
  }
  ADD_FAILURE() << devices;
  return ErrorCode::io;
}

TEST(OpenDevices, TakesTheWaysToSayWhere) {
  for (const char* devices :
       {"auto", "cpu", "cuda", "cuda:0", "cuda:12", "cuda:1,cuda:0", "cuda,cuda:1"})
    EXPECT_TRUE(names_devices(devices)) << devices;
  for (const char* devices :
       {"", "gpu", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "cuda1", "cuda:0,", ",cuda:0",
        "cuda:0,cpu", "cpu,cpu", "auto,cuda:0", "cuda:99999999999"}) {
    EXPECT_FALSE(names_devices(devices)) << devices;
    EXPECT_EQ(code_of(devices), ErrorCode::invalid_argument);
  }
}

TEST(OpenDevices, TheCpuIsNoList) {
  EXPECT_TRUE(open_devices("cpu").gpus.empty());
  EXPECT_EQ(open_devices("cpu").text, "cpu");
}

TEST(OpenDevices, AutoIsThere) { EXPECT_LE(open_devices("auto").gpus.size(), 1U); }

TEST(OpenDevices, AGpuThatIsNotThereIsAnErrorThatSaysWhy) {
  EXPECT_EQ(code_of("cuda:99"), ErrorCode::backend_unavailable);
  EXPECT_EQ(code_of("cuda:1,cuda:1"), ErrorCode::invalid_argument);
}

TEST(LargestBatch, IsHalvedAsLongAsThereIsNoMemory) {
  for (const std::size_t fits : {1U, 3U, 4U, 8U, 100U}) {
    std::vector<std::size_t> tried;
    const std::size_t made = largest_batch(16, [&](std::size_t batch) {
      tried.push_back(batch);
      if (batch > fits) fail(ErrorCode::out_of_memory, "[Test] {} are too many", batch);
      return batch;
    });
    EXPECT_LE(made, fits);
    EXPECT_GT(2 * made, std::min<std::size_t>(fits, 16));
    EXPECT_EQ(made, tried.back());
  }
  EXPECT_THROW(
      largest_batch(
          4, [](std::size_t) -> int { fail(ErrorCode::out_of_memory, "[Test] nothing fits"); }),
      Error);
  std::size_t tries = 0;
  EXPECT_THROW(largest_batch(4,
                             [&](std::size_t) -> int {
                               ++tries;
                               fail(ErrorCode::invalid_data, "[Test] another reason");
                             }),
               Error);
  EXPECT_EQ(tries, 1U);
}

TEST(LargestBatch, LeavesTheLastOneNearlyFull) {
  for (std::size_t most = 1; most <= 9; ++most)
    for (std::size_t segments = 0; segments <= 60; ++segments) {
      const std::size_t batch = even_batch(segments, most);
      EXPECT_GE(batch, 1U);
      EXPECT_LE(batch, most);
      const std::size_t batches = (segments + batch - 1) / batch;
      EXPECT_EQ(batches, (segments + most - 1) / most);
      EXPECT_LT(batches * batch - segments, std::max<std::size_t>(batches, 1));
    }
}

}  // namespace
}  // namespace metalaudio::models
