#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/test_paths.h"

namespace metalaudio::dsp {

/// The cases of tests/golden/dsp/NAME.json; a missing file fails the test.
inline nlohmann::json golden_cases(const std::string& name) {
  std::ifstream file(golden_dir() / "dsp" / (name + ".json"));
  EXPECT_TRUE(file.good()) << name << ".json is missing";
  return file.good() ? nlohmann::json::parse(file)["cases"] : nlohmann::json::array();
}

}  // namespace metalaudio::dsp
