#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/output_name.h>

namespace metalaudio::separation {
namespace {

const OutputFields kFields{"My song", "mp3", "vocals", "wav"};

TEST(OutputName, FillsEveryField) {
  EXPECT_EQ(expand_output_name("{track}/{stem}.{ext}", kFields), "My song/vocals.wav");
  EXPECT_EQ(expand_output_name("{stem}-{trackext}-{stem}", kFields), "vocals-mp3-vocals");
  EXPECT_EQ(expand_output_name("fixed", kFields), "fixed");
}

TEST(OutputName, DoubledBracesAreBraces) {
  EXPECT_EQ(expand_output_name("{{{stem}}}", kFields), "{vocals}");
}

TEST(OutputName, RefusesUnknownFieldsAndLooseBraces) {
  for (const char* pattern : {"{title}.wav", "{stem", "stem}", "{}"})
    EXPECT_THROW(expand_output_name(pattern, kFields), Error) << pattern;
}

TEST(OutputName, AStemCannotLeaveItsFolder) {
  EXPECT_EQ(expand_output_name("{stem}.{ext}", {"t", "mp3", "../../x", "wav"}), ".._.._x.wav");
}

TEST(OutputName, NoFieldMakesAFolderThatLeadsOut) {
  const auto named = [](const std::string& pattern, const OutputFields& fields) {
    return expand_output_name(pattern, fields);
  };
  const std::string usual = "{track}/{stem}.{ext}";
  EXPECT_EQ(named(usual, {"..", "wav", "bass", "wav"}), "__/bass.wav");
  EXPECT_EQ(named(usual, {".", "wav", "bass", "wav"}), "_/bass.wav");
  EXPECT_EQ(named(usual, {"", "wav", "bass", "wav"}), "_/bass.wav") << "not from the root";
  EXPECT_EQ(named(usual, {"a/..", "wav", "bass", "wav"}), "a/__/bass.wav");
  EXPECT_EQ(named(usual, {"a..", "wav", "bass", "wav"}), "a../bass.wav");
  EXPECT_EQ(named(".{track}/x.{ext}", {".", "wav", "bass", "wav"}), "__/x.wav");
  EXPECT_EQ(named("{track}{stem}/x", {".", "wav", ".", "wav"}), "__/x");
  EXPECT_EQ(named("{stem}/x", {"t", "wav", "", "wav"}), "_/x");
  EXPECT_EQ(named("{folder}/x", {"t", "wav", "s", "wav", ""}), "_/x");
  EXPECT_EQ(named("{folder}/{track}", {"t", "wav", "s", "wav", "album"}), "album/t");
  EXPECT_EQ(named("../{track}/./x", {"t", "wav", "s", "wav"}), "../t/./x") << "as was asked for";
  EXPECT_EQ(named("/abs/{track}", {"t", "wav", "s", "wav"}), "/abs/t");
}

TEST(OutputName, KnowsWhetherStemsGetNamesOfTheirOwn) {
  EXPECT_TRUE(names_each_stem("{track}/{stem}.{ext}"));
  EXPECT_FALSE(names_each_stem("{track}.{ext}"));
}

TEST(OutputName, ModelFolderHasNoSlash) {
  EXPECT_EQ(model_folder_name("htdemucs"), "htdemucs");
  EXPECT_EQ(model_folder_name("hf://someone/model"), "someone_model");
}

}  // namespace
}  // namespace metalaudio::separation
