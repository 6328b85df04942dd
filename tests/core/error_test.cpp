#include <gtest/gtest.h>
#include <metalaudio/core/error.h>

namespace metalaudio {
namespace {

TEST(Error, CarriesItsCodeAndTheNumbers) {
  try {
    fail(ErrorCode::invalid_argument, "[Fft] size {}: expected 2^a·3^b·5^c", 7);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_STREQ(error.what(), "[Fft] size 7: expected 2^a·3^b·5^c");
  }
}

TEST(Error, EveryCodeHasAName) { EXPECT_EQ(to_string(ErrorCode::cancelled), "cancelled"); }

}  // namespace
}  // namespace metalaudio
