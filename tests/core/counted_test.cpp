#include <gtest/gtest.h>
#include <metalaudio/core/counted.h>

#include <cstdint>

namespace metalaudio {
namespace {

TEST(Counted, OneIsAlone) {
  EXPECT_EQ(counted(1, "thread"), "1 thread");
  EXPECT_EQ(counted(0, "thread"), "0 threads");
  EXPECT_EQ(counted(std::uint64_t{2}, "byte"), "2 bytes");
  EXPECT_EQ(counted(-1, "sample"), "-1 samples");
  EXPECT_EQ(counted(1, "axis"), "1 axis");
  EXPECT_EQ(counted(3, "axis"), "3 axes");
  EXPECT_EQ(counted(2, "index"), "2 indices");
  EXPECT_EQ(counted(2, "copy"), "2 copies");
}

}  // namespace
}  // namespace metalaudio
