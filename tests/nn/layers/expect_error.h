#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>

#include <string>

namespace metalaudio::nn::layers {

/// Expects an Error of this code whose message has these words.
template <typename F>
void expect_error(ErrorCode code, const std::string& words, F&& f) {
  try {
    f();
    ADD_FAILURE() << "no error: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), to_string(code)) << error.what();
    EXPECT_THAT(error.what(), ::testing::HasSubstr(words));
  }
}

}  // namespace metalaudio::nn::layers
