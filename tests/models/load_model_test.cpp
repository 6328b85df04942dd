#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/load_model.h>
#include <metalaudio/nn/io/safetensors.h>

#include <chrono>
#include <cstring>

#include "tests/support/test_folder.h"
#include "tests/support/test_paths.h"

namespace metalaudio::models {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::filesystem::path kTiny = golden_dir() / "htdemucs" / "htdemucs.model.safetensors";

TEST(LoadModel, SaysWhatAFileHoldsBeforeItsWeightsAreRead) {
  const ModelInfo info = inspect_model(kTiny);
  EXPECT_EQ(info.family, "HTDemucs");
  EXPECT_THAT(info.sources, ElementsAre("drums", "bass", "other", "vocals"));
  EXPECT_EQ(info.sample_rate_hz, 8000);
  EXPECT_EQ(info.channels, 2U);
  EXPECT_EQ(info.segment_seconds, 0.5);
  EXPECT_TRUE(info.takes("mode"));
  EXPECT_FALSE(info.takes("nothing"));
}

TEST(LoadModel, BuildsTheNetworkThatTheFileNames) {
  ThreadPool pool(1);
  const auto model = load_model(kTiny, {.timing = true}, pool);
  EXPECT_EQ(model->segment_samples(), 4000U);
  std::vector<float> mix(2 * 4000, 0.1F);
  std::vector<float> stems(4 * mix.size());
  model->run(mix, stems);
  double milliseconds = 0.0;
  for (const nn::StepReport& step : model->report().steps) milliseconds += step.milliseconds;
  EXPECT_GT(milliseconds, 0.0);
}

TEST(LoadModel, ItsCloneOnAnotherPoolGivesTheSame) {
  ThreadPool pool(1);
  ThreadPool other(2);
  const auto model = load_model(kTiny, {}, pool);
  const auto clone = model->clone(other);
  ASSERT_NE(clone, nullptr);
  std::vector<float> mix(2 * 4000);
  for (std::size_t i = 0; i < mix.size(); ++i) mix[i] = static_cast<float>(i * 37 % 101) / 200.0F;
  std::vector<float> stems(4 * mix.size());
  std::vector<float> again(stems.size());
  model->run(mix, stems);
  clone->run(mix, again);
  EXPECT_EQ(stems, again);
}

TEST(LoadModel, WeightsThatAreDamagedOrCutShortEndInAnErrorThatNamesTheFile) {
  const TestFolder folder;
  ThreadPool pool(2);
  const auto loads = [&](const char* name) { return load_model(folder / name, {}, pool); };
  std::filesystem::copy_file(kTiny, folder / "cut.safetensors");
  std::filesystem::resize_file(folder / "cut.safetensors",
                               std::filesystem::file_size(kTiny) - 10000);
  EXPECT_THAT([&] { loads("cut.safetensors"); },
              testing::ThrowsMessage<Error>(HasSubstr("cut.safetensors: ")));
}

TEST(LoadModel, AFileThatIsWrittenToWhileItIsReadIsNamedOnce) {
  const TestFolder folder;
  ThreadPool pool(2);
  const std::filesystem::path path = folder / "a.safetensors";
  std::filesystem::copy_file(kTiny, path);
  const ModelFile file = read_model(path);
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_THAT([&] { load_model(file, {}, pool); },
              testing::ThrowsMessage<Error>("[load_model] " + path.string() +
                                            ": the file was written to while it was read"));
}

TEST(LoadModel, AShorterSegmentIsTakenAndALongerOneChangesNothing) {
  ThreadPool pool(1);
  EXPECT_EQ(load_model(kTiny, {.segment_seconds = 0.25}, pool)->segment_samples(), 2000U);
  EXPECT_EQ(load_model(kTiny, {.segment_seconds = 7.0}, pool)->segment_samples(), 4000U);
}

/// The error that a file of this content ends in, whether it is inspected or loaded.
std::string refusal(const nn::StateFile& content, ErrorCode code) {
  const TestFolder folder;
  const std::filesystem::path path = folder / "some.safetensors";
  nn::save_safetensors(path, content);
  ThreadPool pool(1);
  std::string inspected = "accepted";
  std::string loaded = "accepted";
  try {
    inspect_model(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    inspected = error.what();
  }
  try {
    load_model(path, {}, pool);
  } catch (const Error& error) {
    loaded = error.what();
  }
  EXPECT_EQ(inspected, loaded);
  return inspected;
}

TEST(LoadModel, NamesWhatNoNetworkTakes) {
  nn::StateFile roformer;
  roformer.state["layers.0.0.to_qkv.weight"] = Tensor({3, 4});
  roformer.state["band_split.to_features.0.weight"] = Tensor({4});
  const std::string text = refusal(roformer, ErrorCode::unsupported);
  EXPECT_THAT(text, HasSubstr("some.safetensors: it holds 2 tensors (band_split.to_features.0"));
  EXPECT_THAT(text, HasSubstr("layers.0.0.to_qkv.weight"));
  roformer.metadata = {{"klass", "demucs.hdemucs.HDemucs"}, {"args", "[]"}, {"kwargs", "{}"}};
  EXPECT_THAT(refusal(roformer, ErrorCode::unsupported),
              HasSubstr("it holds a demucs.hdemucs.HDemucs, which no network"));
  EXPECT_THAT(refusal({}, ErrorCode::unsupported), HasSubstr("no tensors and no class"));
}

TEST(LoadModel, NamesTheFileWhoseArgumentIsWrong) {
  nn::StateFile file;
  file.metadata = {{"klass", "demucs.htdemucs.HTDemucs"},
                   {"args", nlohmann::json::array()},
                   {"kwargs", {{"sources", {"a"}}, {"depth", 1000}}}};
  EXPECT_THAT(refusal(file, ErrorCode::invalid_data),
              HasSubstr("some.safetensors: argument depth"));
}

}  // namespace
}  // namespace metalaudio::models
