#include <gtest/gtest.h>
#include <metalaudio/core/default_threads.h>

#include <cstdlib>

namespace metalaudio {
namespace {

class DefaultThreads : public ::testing::Test {
 protected:
  ~DefaultThreads() override { unsetenv("OMP_NUM_THREADS"); }

  static std::size_t of_eight_cores(const char* wanted) {
    setenv("OMP_NUM_THREADS", wanted, 1);
    return default_threads(8);
  }
};

TEST_F(DefaultThreads, AreTheCoresThatTheProcessMayUse) {
  unsetenv("OMP_NUM_THREADS");
  EXPECT_EQ(default_threads(), HardwareProfile::detect().usable_cores);
  EXPECT_EQ(default_threads(3), 3U);
}

TEST_F(DefaultThreads, AreFewerWhereOpenMpIsToldSo) {
  EXPECT_EQ(of_eight_cores("1"), 1U);
  EXPECT_EQ(of_eight_cores(" 5 "), 5U);
  EXPECT_EQ(of_eight_cores("4,2,1"), 4U);
  EXPECT_EQ(of_eight_cores("6 , 2"), 6U);
}

TEST_F(DefaultThreads, AreNeverMoreThanTheCores) {
  EXPECT_EQ(of_eight_cores("9"), 8U);
  EXPECT_EQ(of_eight_cores("18446744073709551615"), 8U);
}

TEST_F(DefaultThreads, WhatMakesNoSenseChangesNothing) {
  for (const char* const wanted :
       {"", " ", "0", "-2", "+2", "two", "2x", "2.5", ",3", "99999999999999999999999"}) {
    EXPECT_EQ(of_eight_cores(wanted), 8U) << wanted;
  }
}

}  // namespace
}  // namespace metalaudio
