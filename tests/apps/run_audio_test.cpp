#include <cmath>
#include <numbers>
#include <numeric>

#include "run_setting.h"

namespace metalaudio::apps {
namespace {

using ::testing::HasSubstr;

using RunOnAudio = RunCommand;

TEST_F(RunOnAudio, TakesAnyBlockAndWritesEveryFrame) {
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

TEST_F(RunOnAudio, NamesOfAxesMayBeginWithDigits) {
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

TEST_F(RunOnAudio, AudioMayBeOfOtherTypes) {
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

TEST_F(RunOnAudio, EachChannelHasAStateOfItsOwn) {
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

TEST_F(RunOnAudio, AModelWithoutPaddingSeesThePast) {
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

TEST_F(RunOnAudio, ResamplesAroundTheModel) {
  write_model("gain.onnx", gain_model(1));
  AudioBuffer tone(1, 16000);
  for (std::size_t i = 0; i < tone.frames(); ++i) {
    const double fade = std::min(1.0, std::min<double>(i, tone.frames() - 1 - i) / 2000);
    tone.channel(0)[i] = static_cast<float>(
        0.5 * fade * std::sin(2 * std::numbers::pi * 500 * static_cast<double>(i) / kRunRateHz));
  }
  write_sound(setting_ / "in.wav", tone, kRunRateHz);
  for (float& sample : tone.channel(0)) sample *= 0.5F;
  for (const char* rate : {"16000", "44100", "6000", "8000"}) {
    SCOPED_TRACE(rate);
    expect_done({"gain.onnx", "in.wav", "-o", "out.wav", "--float32", "--bind", "gain=0.5",
                 "--rate", rate, "--block", "333"});
    EXPECT_EQ(sample_rate_of(setting_ / "out.wav"), kRunRateHz);
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

TEST_F(RunOnAudio, OneChannelBecomesTwoForAModelThatTakesTwo) {
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

TEST_F(RunOnAudio, AudioHasTheOutputsOfFilter) {
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

TEST_F(RunOnAudio, LinksStatesByTheirNamesButNotTheAudio) {
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

TEST_F(RunOnAudio, PlaysNetworksOfRtNeural) {
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

}  // namespace
}  // namespace metalaudio::apps
