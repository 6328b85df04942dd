#include "run_setting.h"

namespace metalaudio::apps {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

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
