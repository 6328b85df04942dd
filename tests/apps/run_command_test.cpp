#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/nn/io/npy.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "separate_setting.h"
#include "tests/onnx/model_builder.h"
#include "tests/support/sounds.h"

namespace metalaudio::apps {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kRateHz = 8000;

/// y = x * gain, with as many channels as are told; any number of frames unless that is told too.
ModelBuilder gain_model(std::int64_t channels, std::int64_t frames = -1) {
  ModelBuilder model;
  model.input("x", {1, channels, frames}).input("gain", {1});
  model.node("Mul", {"x", "gain"}, {"y"});
  model.output("y");
  return model;
}

/// y = x + s / 2, four frames at a time, and s_out = y: an echo.
ModelBuilder echo_model() {
  ModelBuilder model;
  model.input("x", {1, 1, 4}).input("s", {1, 1, 4});
  model.floats("half", {1}, {0.5F});
  model.node("Mul", {"s", "half"}, {"h"});
  model.node("Add", {"x", "h"}, {"y"});
  model.node("Identity", {"y"}, {"s_out"});
  model.output("y").output("s_out");
  return model;
}

class RunCommand : public ::testing::Test {
 protected:
  void write_model(const std::string& name, const ModelBuilder& model) const {
    setting_.write(name, model.bytes());
  }
  AudioBuffer write_music(const std::string& name, std::size_t channels, double seconds) const {
    AudioBuffer music = make_music(channels, seconds, kRateHz);
    write_sound(setting_ / name, music, kRateHz);
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
    EXPECT_THAT(result.err, HasSubstr(reason));
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

TEST_F(RunCommand, TakesAnyBlockAndWritesEveryFrame) {
  write_model("gain.onnx", gain_model(2));
  AudioBuffer music = write_music("in.wav", 2, 2.6);
  for (std::size_t c = 0; c < 2; ++c)
    for (float& sample : music.channel(c)) sample *= 0.5F;
  for (const char* block : {"1", "7", "480", "512", "16384", "20000", "50000"}) {
    SCOPED_TRACE(block);
    expect_done({"gain.onnx", "in.wav", "-o", "out.wav", "--float32", "--bind", "gain=0.5",
                 "--block", block});
    expect_sound("out.wav", music, 0.0F);
  }
  // Steps whose length the model fixes, which no power of two divides.
  write_model("fixed.onnx", gain_model(2, 441));
  expect_done({"fixed.onnx", "in.wav", "-o", "out.wav", "--float32", "--bind", "gain=0.5"});
  expect_sound("out.wav", music, 0.0F);
  expect_refused({"fixed.onnx", "in.wav", "-o", "out.wav", "--bind", "gain=1", "--block", "512"},
                 "the model's steps have 441 frames");
}

TEST_F(RunCommand, NamesOfAxesMayBeginWithDigits) {
  ModelBuilder model = gain_model(1);
  model.graph()
      .mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(2)
      ->set_dim_param("4*s0");
  write_model("gain.onnx", model);
  write_music("in.wav", 1, 0.5);
  expect_done({"gain.onnx", "in.wav", "-o", "out.wav", "--bind", "gain=1", "--block", "512"});
}

TEST_F(RunCommand, AudioMayBeOfOtherTypes) {
  const AudioBuffer music = write_music("in.wav", 2, 0.5);
  // Half a step of the type, at a peak below 1.
  for (const auto& [type, tolerance] :
       std::initializer_list<std::pair<int, float>>{{onnx::TensorProto::FLOAT16, 0x1p-12F},
                                                    {onnx::TensorProto::BFLOAT16, 0x1p-9F},
                                                    {onnx::TensorProto::DOUBLE, 0.0F},
                                                    {onnx::TensorProto::INT16, 0x1p-16F}}) {
    SCOPED_TRACE(type);
    ModelBuilder model;
    model.input("x", {1, 1, -1}, type);
    model.node("Identity", {"x"}, {"y"});
    model.output("y");
    write_model("same.onnx", model);
    expect_done({"same.onnx", "in.wav", "-o", "out.wav", "--float32"});
    expect_sound("out.wav", music, tolerance);
  }
  ModelBuilder bytes;
  bytes.input("x", {1, 1, -1}, onnx::TensorProto::INT8);
  bytes.node("Identity", {"x"}, {"y"});
  bytes.output("y");
  write_model("bytes.onnx", bytes);
  expect_refused({"bytes.onnx", "in.wav", "-o", "out.wav"}, "no audio", 1);
}

TEST_F(RunCommand, EachChannelHasAStateOfItsOwn) {
  write_model("echo.onnx", echo_model());
  AudioBuffer music = write_music("in.wav", 2, 0.5);
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 4; i < music.frames(); ++i)
      music.channel(c)[i] += 0.5F * music.channel(c)[i - 4];
  for (const bool told : {false, true}) {
    std::vector<std::string> arguments{"echo.onnx", "in.wav", "-o", "out.wav", "--float32"};
    if (told) arguments.insert(arguments.end(), {"--state", "s_out=s"});
    expect_done(arguments);
    expect_sound("out.wav", music, 0.0F);
  }
}

TEST_F(RunCommand, AModelWithoutPaddingSeesThePast) {
  ModelBuilder model;
  model.input("x", {1, 1, -1});
  std::vector<float> taps(700);
  for (std::size_t i = 0; i < taps.size(); ++i) taps[i] = i % 100 == 0 ? 0.1F : 0.0F;
  model.floats("w", {1, 1, 700}, taps);
  model.node("Conv", {"x", "w"}, {"y"});
  model.output("y");
  write_model("conv.onnx", model);
  const AudioBuffer music = write_music("in.wav", 1, 0.5);
  AudioBuffer wanted(1, music.frames());
  for (std::size_t i = 0; i < music.frames(); ++i)
    for (std::size_t k = 0; k < taps.size(); ++k)
      if (i + k >= 699) wanted.channel(0)[i] += taps[k] * music.channel(0)[i + k - 699];
  for (const char* block : {"100", "512", "3000"}) {
    expect_done({"conv.onnx", "in.wav", "-o", "out.wav", "--float32", "--block", block});
    expect_sound("out.wav", wanted, 1e-6F);  // sums of seven numbers below 0.1
  }
  expect_done({"conv.onnx", "in.wav", "-o", "out.wav", "--float32"});
  expect_sound("out.wav", wanted, 1e-6F);
}

TEST_F(RunCommand, ResamplesAroundTheModel) {
  write_model("gain.onnx", gain_model(1));
  AudioBuffer tone(1, 16000);
  for (std::size_t i = 0; i < tone.frames(); ++i) {
    const double fade = std::min(1.0, std::min<double>(i, tone.frames() - 1 - i) / 2000);
    tone.channel(0)[i] = static_cast<float>(
        0.5 * fade * std::sin(2 * std::numbers::pi * 500 * static_cast<double>(i) / kRateHz));
  }
  write_sound(setting_ / "in.wav", tone, kRateHz);
  for (float& sample : tone.channel(0)) sample *= 0.5F;
  for (const char* rate : {"16000", "44100", "6000", "8000"}) {
    SCOPED_TRACE(rate);
    expect_done({"gain.onnx", "in.wav", "-o", "out.wav", "--float32", "--bind", "gain=0.5",
                 "--rate", rate, "--block", "333"});
    EXPECT_EQ(sample_rate_of(setting_ / "out.wav"), kRateHz);
    expect_sound("out.wav", tone, 1e-4F);  // the resamplers' ripple and stop band
  }
  // A model that is for the rate: what a step of 100 frames does there lasts twice as long here.
  ModelBuilder model;
  model.input("x", {1, 1, 100});
  std::vector<float> ramp(100);
  std::iota(ramp.begin(), ramp.end(), 0.0F);
  model.floats("ramp", {1, 1, 100}, ramp);
  model.floats("scale", {1}, {0.005F});
  model.node("Mul", {"ramp", "scale"}, {"r"});
  model.node("Mul", {"x", "x"}, {"square"});
  model.floats("zero", {1}, {0.0F});
  model.node("Mul", {"square", "zero"}, {"nothing"});
  model.node("Add", {"nothing", "r"}, {"y"});
  model.output("y");
  write_model("ramp.onnx", model);
  expect_done({"ramp.onnx", "in.wav", "-o", "out.wav", "--float32", "--rate", "4000"});
  const AudioBuffer ramps = read_sound(setting_ / "out.wav");
  for (const std::size_t middle : {1000U, 3000U, 5000U}) {
    EXPECT_NEAR(ramps.channel(0)[middle] - ramps.channel(0)[middle - 20], 0.05F, 1e-2F);
  }
}

TEST_F(RunCommand, OneChannelBecomesTwoForAModelThatTakesTwo) {
  write_model("gain.onnx", gain_model(2));
  const AudioBuffer music = write_music("in.wav", 1, 0.3);
  expect_done({"gain.onnx", "in.wav", "-o", "out.wav", "--float32", "--bind", "gain=1"});
  AudioBuffer both(2, music.frames());
  for (std::size_t c = 0; c < 2; ++c) std::ranges::copy(music.channel(0), both.channel(c).begin());
  expect_sound("out.wav", both, 0.0F);
  write_music("three.wav", 3, 0.3);
  expect_refused({"gain.onnx", "three.wav", "-o", "out.wav", "--bind", "gain=1"},
                 "the model makes 2 channels of 2, the file has 3", 1);
}

TEST_F(RunCommand, AudioHasTheOutputsOfFilter) {
  write_model("gain.onnx", gain_model(1));
  write_music("in.wav", 1, 0.3);
  for (const char* out : {"out.flac", "out.mp3"}) {
    const ProgramResult loud =
        run({"gain.onnx", "in.wav", "-o", out, "--bind", "gain=9", "--clip-mode", "rescale"});
    EXPECT_THAT(loud.err, HasSubstr("(--clip-mode rescale)"));
    EXPECT_GT(peak_of(read_sound(setting_ / out)), 0.9F);
  }
  expect_refused({"gain.onnx", "in.wav", "-o", "in.wav", "--bind", "gain=1"}, "in.wav");
  ModelBuilder ratio = gain_model(1);
  ratio.graph().mutable_node(0)->set_op_type("Div");
  write_model("ratio.onnx", ratio);
  const ProgramResult infinite = run({"ratio.onnx", "in.wav", "-o", "new.wav", "--bind", "gain=0"});
  EXPECT_EQ(infinite.status, 1);
  EXPECT_THAT(infinite.err, HasSubstr("ratio.onnx: its output is beyond all numbers"));
  EXPECT_FALSE(std::filesystem::exists(setting_ / "new.wav"));
}

TEST_F(RunCommand, LinksStatesByTheirNamesButNotTheAudio) {
  // y = x + s / 2, as in echo_model(), by other names.
  const auto echo = [](const std::string& x, const std::string& y, const std::string& s,
                       const std::string& next) {
    ModelBuilder model;
    model.input(s, {1, 1, 4}).input(x, {1, 1, 4});
    model.floats("half", {1}, {0.5F});
    model.node("Mul", {s, "half"}, {"product"});
    model.node("Add", {x, "product"}, {y});
    model.node("Identity", {y}, {next});
    model.output(y).output(next);
    return model;
  };
  const AudioBuffer music = write_music("in.wav", 1, 0.5);
  AudioBuffer wanted = music;
  for (std::size_t i = 4; i < music.frames(); ++i)
    wanted.channel(0)[i] += 0.5F * wanted.channel(0)[i - 4];
  const std::vector<std::string> command{"echo.onnx", "in.wav", "-o", "out.wav", "--float32"};
  using Names = std::pair<std::string, std::string>;
  for (const auto& [state, next] : std::initializer_list<Names>{{"h0", "hn"},
                                                                {"h_0", "h_n"},
                                                                {"enc.c0", "enc.cn"},
                                                                {"prev_state", "next_state"},
                                                                {"prev_state", "state"},
                                                                {"h_prev", "h_next"},
                                                                {"h_prev", "h"},
                                                                {"h_old", "h_new"},
                                                                {"stateIn", "stateOut"},
                                                                {"lstm_h_in:0", "lstm_h_out:0"},
                                                                {"current_state", "next_state"},
                                                                {"initial_state", "final_state"},
                                                                {"last_state", "state"},
                                                                {"cache", "updated_cache"},
                                                                {"state_in", "state_out"}}) {
    SCOPED_TRACE(state + " " + next);
    for (const auto& [x, y] : std::initializer_list<Names>{
             {"x", "y"}, {"audio_in", "audio_out"}, {"wav", "wav_out"}, {"in_x", "out_x"}}) {
      SCOPED_TRACE(x);
      write_model("echo.onnx", echo(x, y, state, next));
      expect_done(command);
      expect_sound("out.wav", wanted, 0.0F);
    }
  }
  ModelBuilder same;
  same.input("audio_in", {1, 1, 4});
  same.node("Identity", {"audio_in"}, {"audio_out"});
  same.output("audio_out");
  write_model("echo.onnx", same);
  expect_done(command);
  expect_sound("out.wav", music, 0.0F);
  // A tensor that is given is what every step takes.
  write_model("echo.onnx", echo("audio_in", "audio_out", "state_in", "state_out"));
  write_npy("x.npy", {1, 1, 4}, {2, 4, 6, 8});
  expect_done({"echo.onnx", "--tensor", "audio_in=x.npy", "--steps", "2", "-o", "out"});
  EXPECT_EQ(read_npy("out/audio_out.npy", {1, 1, 4}), (std::vector<float>{3, 6, 9, 12}));
}

TEST_F(RunCommand, InputsWithAValueOfTheirOwnMayHaveAnother) {
  ModelBuilder model = gain_model(1, 2);
  model.floats("gain", {1}, {3});
  write_model("gain.onnx", model);
  write_npy("x.npy", {1, 1, 2}, {1, 2});
  write_npy("gain.npy", {1}, {5});
  const auto result = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"gain.onnx", "--tensor", "x=x.npy", "-o", "out"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    expect_done(arguments);
    return read_npy("out/y.npy", {1, 1, 2}).front();
  };
  EXPECT_EQ(result({}), 3);
  EXPECT_EQ(result({"--bind", "gain=4"}), 4);
  EXPECT_EQ(result({"--tensor", "gain=gain.npy"}), 5);
}

TEST_F(RunCommand, TellsWhichInputsAreOpen) {
  write_model("gain.onnx", gain_model(1));
  write_music("in.wav", 1, 0.1);
  expect_refused({"gain.onnx", "in.wav", "-o", "out.wav"}, "x (f32[1, 1, n]), gain (f32[1])");
  expect_refused({"gain.onnx", "-o", "out"}, "x (f32[1, 1, n]), gain (f32[1])");
  expect_refused({"gain.onnx", "in.wav", "-o", "out.wav", "--bind", "level=1"},
                 "--bind level: the model has no such input; it has x (f32[1, 1, n]), gain");
  expect_refused({"gain.onnx"}, "nothing to do");
  expect_refused({"gain.onnx", "-o", "out", "--rate", "8000"}, "IN is missing");
  expect_refused({"gain.onnx", "in.wav", "-o", "out.wav", "--steps", "2"}, "--steps");
}

TEST_F(RunCommand, FreeAxesAreAsLongAsTheTensors) {
  write_model("gain.onnx", gain_model(1));
  write_npy("x.npy", {1, 1, 3}, {1, 2, 3});
  write_npy("gain.npy", {1}, {10});
  expect_done({"gain.onnx", "--tensor", "x=x.npy", "--tensor", "gain=gain.npy", "-o", "out"});
  EXPECT_EQ(read_npy("out/y.npy", {1, 1, 3}), (std::vector<float>{10, 20, 30}));
  expect_done({"gain.onnx", "--bind", "x=x.npy", "--bind", "gain=+2", "-o", "out"});
  EXPECT_EQ(read_npy("out/y.npy", {1, 1, 3}), (std::vector<float>{2, 4, 6}));

  const auto refuse = [&](const std::string& tensor, const std::string& reason) {
    expect_refused({"gain.onnx", "--tensor", tensor, "--bind", "gain=1", "-o", "out"}, reason);
  };
  refuse("z=x.npy", "it has x (f32[1, 1, n]), gain (f32[1])");
  refuse("x=gain.npy", "given [1]");
  refuse("x", "expected NAME=VALUE");
  refuse("gain=gain.npy", "value already");
  nn::save_npy(setting_ / "f64.npy", Tensor({1, 1, 3}, DataType::f64).view());
  refuse("x=f64.npy", "input x is f32, given f64");
}

TEST_F(RunCommand, StepsGoOnFromTheStates) {
  write_model("echo.onnx", echo_model());
  write_npy("x.npy", {1, 1, 4}, {1, 2, 3, 4});
  write_npy("s.npy", {1, 1, 4}, {8, 8, 8, 8});
  const std::vector<std::string> common{"echo.onnx", "--tensor", "x=x.npy", "-o", "out"};
  const auto results = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = common;
    arguments.insert(arguments.end(), more.begin(), more.end());
    expect_done(arguments);
    EXPECT_EQ(read_npy("out/s_out.npy", {1, 1, 4}), read_npy("out/y.npy", {1, 1, 4}));
    return read_npy("out/y.npy", {1, 1, 4});
  };
  EXPECT_EQ(results({}), (std::vector<float>{1, 2, 3, 4}));  // a state begins with zeros
  EXPECT_EQ(results({"--steps", "2"}), (std::vector<float>{1.5, 3, 4.5, 6}));
  EXPECT_EQ(results({"--tensor", "s=s.npy"}), (std::vector<float>{5, 6, 7, 8}));
  EXPECT_EQ(results({"--tensor", "s=s.npy", "--steps", "2"}), (std::vector<float>{3.5, 5, 6.5, 8}));
  EXPECT_EQ(results({"--bind", "s=s.npy", "--steps", "2"}), (std::vector<float>{5, 6, 7, 8}));
  expect_refused({"echo.onnx", "--state", "y=z", "-o", "out"}, "the outputs are y");
  expect_refused({"echo.onnx", "--state", "y=s", "--state", "s_out=s", "-o", "out"},
                 "s is linked already");
}

TEST_F(RunCommand, BindsOnlyNumbersThatTheInputCanBe) {
  const auto bind = [&](int type, const std::string& number) {
    ModelBuilder model;
    model.input("x", {1}, type);
    model.node("Identity", {"x"}, {"y"});
    model.output("y");
    write_model("same.onnx", model);
    return std::vector<std::string>{"same.onnx", "--bind", "x=" + number, "-o", "out"};
  };
  using T = onnx::TensorProto;
  for (const auto& [type, number] :
       std::initializer_list<std::pair<int, std::string>>{{T::INT64, "-16000"},
                                                          {T::INT64, "16000.0"},
                                                          {T::INT64, "1e18"},
                                                          {T::UINT8, "255"},
                                                          {T::INT8, "-128"},
                                                          {T::BOOL, "1"},
                                                          {T::FLOAT16, "0.1"},
                                                          {T::FLOAT16, "65504"},
                                                          {T::DOUBLE, "1e300"}}) {
    SCOPED_TRACE(number);
    expect_done(bind(type, number));
  }
  for (const auto& [type, number] :
       std::initializer_list<std::pair<int, std::string>>{{T::INT64, "1.5"},
                                                          {T::INT64, "9223372036854775808"},
                                                          {T::INT64, "1e300"},
                                                          {T::UINT8, "256"},
                                                          {T::UINT8, "-1"},
                                                          {T::BOOL, "0.3"},
                                                          {T::BOOL, "2"},
                                                          {T::FLOAT16, "1e6"},
                                                          {T::FLOAT, "1e300"}}) {
    SCOPED_TRACE(number);
    expect_refused(bind(type, number), "same.onnx: input x cannot be bound to ");
  }
}

TEST_F(RunCommand, RefusesAFolderThatCannotBe) {
  write_model("gain.onnx", gain_model(1, 2));
  setting_.write("file", "");
  for (const char* folder : {"file", "file/below"}) {
    const ProgramResult result =
        run({"gain.onnx", "--bind", "x=1", "--bind", "gain=1", "-o", folder});
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(result.err,
              fmt::format("metalaudio: {}: the folder cannot be made: Not a directory\n", folder));
  }
}

TEST_F(RunCommand, SaysOfWhichModelItSpeaks) {
  ModelBuilder huge;
  huge.input("x", {1 << 20, 1 << 20});
  huge.node("Relu", {"x"}, {"y"});
  huge.output("y");
  write_model("huge.onnx", huge);
  expect_refused({"huge.onnx", "--dot"}, "huge.onnx: activations of ", 1);

  // Axes by the names that the model gives them.
  ModelBuilder two;
  two.input("x", {-1, 3});
  two.node("Relu", {"x"}, {"y"});
  two.output("y");
  write_model("two.onnx", two);
  write_npy("x.npy", {2}, {1, 2});
  expect_refused({"two.onnx", "--tensor", "x=x.npy", "-o", "out"},
                 "input x has the axes [n, 3], given [2]");
}

TEST_F(RunCommand, NamesMayBeAnything) {
  ModelBuilder model;
  const std::string odd = "a=b/\xFFx:0";
  model.input(odd, {2});
  for (const char* name : {"o/1", "o:1", "o_1", "../up"}) {
    model.node("Neg", {odd}, {name});
    model.output(name);
  }
  write_model("odd.onnx", model);
  write_npy("x.npy", {2}, {1, 2});
  expect_done({"odd.onnx", "--tensor", odd + "=x.npy", "-o", "out"});
  EXPECT_EQ(setting_.files_below("out"),
            (std::vector<std::string>{".._up.npy", "o_1.npy", "o_1_2.npy", "o_1_3.npy"}));
  const ProgramResult listed = run({"odd.onnx", "--list"});
  EXPECT_THAT(listed.out, HasSubstr("a=b/\xEF\xBF\xBDx:0  f32[2]"));

  // Results never go over what was read.
  ModelBuilder same;
  same.input("x", {2});
  same.node("Neg", {"x"}, {"y"});
  same.output("y");
  write_model("same.onnx", same);
  write_npy("y.npy", {2}, {1, 2});
  expect_refused({"same.onnx", "--tensor", "x=y.npy", "-o", "."}, "overwrite the input");
}

TEST_F(RunCommand, ListsAllThatIsNotSupported) {
  ModelBuilder model;
  model.input("x", {2, -1});
  model.node("Nonsense", {"x"}, {"a"}).set_name("first");
  model.node("Relu", {"a"}, {"b"});
  model.node("StringNormalizer", {"b"}, {"y"}).set_name("second");
  model.output("y");
  write_model("bad.onnx", model);
  const ProgramResult listed = run({"bad.onnx", "--list"});
  EXPECT_EQ(listed.status, 1);
  EXPECT_THAT(listed.out, StartsWith("opset 17\ninputs\n  x  f32[2, n]\noutputs\n  y  "));
  EXPECT_THAT(listed.out, EndsWith("operations\n      1  Nonsense\n      1  Relu\n"
                                   "      1  StringNormalizer\nnot supported\n"
                                   "  Nonsense (first)\n  StringNormalizer (second)\n"));
  write_npy("x.npy", {2, 1}, {1, 2});
  const ProgramResult result = run({"bad.onnx", "--tensor", "x=x.npy", "-o", "out"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("first"));
  EXPECT_THAT(result.err, HasSubstr("second"));
  expect_refused({"none.onnx", "--list"}, "none.onnx", 1);
}

TEST_F(RunCommand, ShowsStepsAsAPictureAndATable) {
  write_model("gain.onnx", gain_model(1, 3));
  EXPECT_THAT(run({"gain.onnx", "--dot"}).out, HasSubstr("digraph"));
  write_npy("x.npy", {1, 1, 3}, {1, 2, 3});
  EXPECT_THAT(run({"gain.onnx", "--tensor", "x=x.npy", "--bind", "gain=1", "--profile"}).out,
              HasSubstr("MFLOP"));
  write_music("in.wav", 1, 0.1);
  EXPECT_THAT(
      run({"gain.onnx", "in.wav", "-o", "out.wav", "--bind", "gain=1", "--profile", "--dot"}).out,
      HasSubstr("MFLOP"));
}

TEST_F(RunCommand, PlaysNetworksOfRtNeural) {
  // y = tanh(2 x + 0.25), and two outputs of one input.
  setting_.write("dense.json",
                 R"({"in_shape": [null, null, 1], "layers": [{"type": "dense", "activation": "tanh",
                     "shape": [null, null, 1], "weights": [[[2.0]], [0.25]]}]})");
  setting_.write("two.json",
                 R"({"in_shape": [null, null, 1], "layers": [{"type": "dense", "activation": "",
                     "shape": [null, null, 2], "weights": [[[2.0, -1.0]], [0.0, 1.0]]}]})");
  AudioBuffer music = write_music("in.wav", 2, 2.5);
  for (std::size_t c = 0; c < 2; ++c)
    for (float& sample : music.channel(c)) sample = std::tanh(2 * sample + 0.25F);
  expect_done({"dense.json", "in.wav", "-o", "out.wav", "--float32"});
  expect_sound("out.wav", music, 1e-6F);  // tanh within a few units of the last place
  write_npy("x.npy", {3}, {0, 1, 2});
  expect_done({"two.json", "--tensor", "input=x.npy", "-o", "out"});
  EXPECT_EQ(read_npy("out/output.npy", {3, 2}), (std::vector<float>{0, 1, 2, 0, 4, -1}));
  write_npy("x.npy", {1, 3, 1}, {0, 1, 2});
  expect_done({"two.json", "--tensor", "input=x.npy", "-o", "out"});
  EXPECT_EQ(read_npy("out/output.npy", {1, 3, 2}), (std::vector<float>{0, 1, 2, 0, 4, -1}));
  EXPECT_EQ(run({"two.json", "--list"}).out,
            "inputs\n  input  f32[frames, 1]\noutputs\n  output  f32[frames, 2]\n");
  write_npy("x.npy", {1, 3}, {0, 1, 2});
  expect_refused({"two.json", "--tensor", "input=x.npy", "-o", "out"}, "given f32[1, 3]");
  expect_refused({"two.json", "--tensor", "x=x.npy", "-o", "out"}, "it has input");
  expect_refused({"two.json", "--dot"}, "ONNX");
  setting_.write("bad.json", R"({"in_shape": [null, 1], "layers": [{"type": "wavelet"}]})");
  EXPECT_NE(run({"bad.json", "--list"}).status, 0);
}

TEST_F(RunCommand, UsesWhatCalibrateMeasured) {
  write_model("gain.onnx", gain_model(1, 3));
  setting_.write("config/metalaudio/tolerances.json", R"({"linear_batch_threshold": "many"})");
  const ProgramResult result =
      run({"gain.onnx", "--dot"}, {{"XDG_CONFIG_HOME", (setting_ / "config").string()}});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("linear_batch_threshold"));
}

}  // namespace
}  // namespace metalaudio::apps
