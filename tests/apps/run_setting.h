#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/nn/io/npy.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "separate_setting.h"
#include "tests/onnx/model_builder.h"
#include "tests/support/sounds.h"

namespace metalaudio::apps {

constexpr int kRunRateHz = 8000;

/// y = x * gain, with as many channels as are told; any number of frames unless that is told too.
inline ModelBuilder gain_model(std::int64_t channels, std::int64_t frames = -1) {
  ModelBuilder model;
  model.input("x", {1, channels, frames}).input("gain", {1});
  model.node("Mul", {"x", "gain"}, {"y"});
  model.output("y");
  return model;
}

/// y = x + s / 2, four frames at a time, and s_out = y: an echo.
inline ModelBuilder echo_model() {
  ModelBuilder model;
  model.input("x", {1, 1, 4}).input("s", {1, 1, 4});
  model.floats("half", {1}, {0.5F});
  model.node("Mul", {"s", "half"}, {"h"});
  model.node("Add", {"x", "h"}, {"y"});
  model.node("Identity", {"y"}, {"s_out"});
  model.output("y").output("s_out");
  return model;
}

/// A folder of models, sounds and tensors, and the program in it.
class RunCommand : public ::testing::Test {
 protected:
  void write_model(const std::string& name, const ModelBuilder& model) const {
    setting_.write(name, model.bytes());
  }
  AudioBuffer write_music(const std::string& name, std::size_t channels, double seconds) const {
    AudioBuffer music = make_music(channels, seconds, kRunRateHz);
    write_sound(setting_ / name, music, kRunRateHz);
    return music;
  }
  void write_npy(const std::string& name, const Shape& shape, std::vector<float> values) const {
    nn::save_npy(setting_ / name, ConstTensorView(std::span<const float>(values), shape));
  }
  std::vector<float> read_npy(const std::string& name, const Shape& shape) const {
    const Tensor tensor = nn::load_npy(setting_ / name);
    EXPECT_EQ(tensor.shape(), shape) << name;
    return {tensor.values().begin(), tensor.values().end()};
  }

  ProgramResult run(std::vector<std::string> arguments,
                    const std::map<std::string, std::string>& environment = {}) const {
    arguments.insert(arguments.begin(), "run");
    ProgramSetting setting = setting_.setting();
    for (const auto& [name, value] : environment) setting.environment[name] = value;
    return run_program(arguments, setting);
  }
  void expect_done(const std::vector<std::string>& arguments) const {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
  }
  void expect_refused(const std::vector<std::string>& arguments, const std::string& reason,
                      int status = 2) const {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_THAT(result.err, ::testing::HasSubstr(reason));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  }

  void expect_sound(const std::string& name, const AudioBuffer& wanted, float tolerance) const {
    const AudioBuffer sound = read_sound(setting_ / name);
    ASSERT_EQ(sound.channels(), wanted.channels());
    ASSERT_EQ(sound.frames(), wanted.frames());
    for (std::size_t c = 0; c < wanted.channels(); ++c) {
      for (std::size_t i = 0; i < wanted.frames(); ++i)
        ASSERT_NEAR(sound.channel(c)[i], wanted.channel(c)[i], tolerance) << c << ", " << i;
    }
  }

  SeparateSetting setting_;
};

}  // namespace metalaudio::apps
