#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/htdemucs/htdemucs.h>

#include "tests/support/test_paths.h"

namespace metalaudio::models {
namespace {

nn::Checkpoint checkpoint(const nlohmann::json& kwargs) {
  nn::Checkpoint result;
  result.klass = "demucs.htdemucs.HTDemucs";
  result.args = nlohmann::json::array();
  result.kwargs = kwargs;
  return result;
}

/// The message of the error that reading these arguments ends in.
std::string refusal(const nlohmann::json& kwargs, ErrorCode code) {
  try {
    read_htdemucs_config(checkpoint(kwargs));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(HTDemucsConfig, TheSegmentIsAnExactFraction) {
  const HTDemucsConfig config = read_htdemucs_config(
      checkpoint({{"sources", {"a"}},
                  {"segment", {{"_type", "fraction"}, {"numerator", 39}, {"denominator", 5}}}}));
  EXPECT_EQ(config.segment_samples(), 343980);
  EXPECT_EQ(config.frames(), 336);
}

TEST(HTDemucsConfig, ASegmentInSecondsIsTruncatedAsUpstreamDoes) {
  const HTDemucsConfig config =
      read_htdemucs_config(checkpoint({{"sources", {"a"}}, {"segment", 7.8}}));
  EXPECT_EQ(config.segment_samples(), static_cast<std::int64_t>(7.8 * 44100));
}

TEST(HTDemucsConfig, SourcesMayBePositional) {
  nn::Checkpoint positional = checkpoint(nlohmann::json::object());
  positional.args = nlohmann::json::array({nlohmann::json::array({"drums", "bass"})});
  EXPECT_THAT(read_htdemucs_config(positional).sources, testing::ElementsAre("drums", "bass"));
}

TEST(HTDemucsConfig, NamesTheArgumentThatIsOutOfRange) {
  using testing::HasSubstr;
  const auto invalid = ErrorCode::invalid_data;
  EXPECT_THAT(refusal({{"sources", {"a"}}, {"depth", 1000}}, invalid), HasSubstr("depth is 1000"));
  EXPECT_THAT(refusal({{"sources", {"a"}}, {"channels", -3}}, invalid), HasSubstr("channels"));
  EXPECT_THAT(refusal({{"sources", {"a"}}, {"nfft", "big"}}, invalid), HasSubstr("nfft"));
  EXPECT_THAT(refusal({{"sources", {"../x"}}}, invalid), HasSubstr("sources"));
  EXPECT_THAT(refusal({{"sources", {"a", "a"}}}, invalid), HasSubstr("sources"));
  EXPECT_THAT(refusal(nlohmann::json::object(), invalid), HasSubstr("sources"));
  EXPECT_THAT(refusal({{"sources", {"a"}}, {"segment", 1e300}}, invalid), HasSubstr("segment"));
}

TEST(HTDemucsConfig, SaysWhatIsNotSupported) {
  using testing::HasSubstr;
  const auto unsupported = ErrorCode::unsupported;
  EXPECT_THAT(refusal({{"sources", {"a"}}, {"cac", false}}, unsupported), HasSubstr("cac"));
  EXPECT_THAT(refusal({{"sources", {"a"}}, {"multi_freqs", {0.5}}}, unsupported),
              HasSubstr("multi_freqs"));
  nn::Checkpoint other = checkpoint({{"sources", {"a"}}});
  other.klass = "demucs.hdemucs.HDemucs";
  EXPECT_THROW(read_htdemucs_config(other), Error);
}

TEST(HTDemucs, NamesATensorThatIsMissingOrHasAnotherShape) {
  ThreadPool pool(1);
  nn::Checkpoint model =
      nn::load_checkpoint(golden_dir() / "htdemucs" / "no_transformer.model.safetensors");
  nn::Checkpoint lacking = model;
  lacking.state.erase("encoder.0.conv.weight");
  EXPECT_THAT(
      [&] { HTDemucs(lacking, {}, pool); },
      testing::ThrowsMessage<Error>(testing::HasSubstr("encoder.0.conv.weight is missing")));
  model.state["decoder.1.rewrite.bias"] = Tensor(Shape{3});
  EXPECT_THAT([&] { HTDemucs(model, {}, pool); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("decoder.1.rewrite.bias is [3]")));
}

TEST(HTDemucs, RefusesASegmentThatNoMemoryCouldHold) {
  ThreadPool pool(1);
  nn::Checkpoint model =
      nn::load_checkpoint(golden_dir() / "htdemucs" / "no_transformer.model.safetensors");
  model.kwargs["samplerate"] = 1000000;
  model.kwargs["segment"] = 600;
  try {
    HTDemucs(model, {}, pool);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory) << error.what();
  }
}

}  // namespace
}  // namespace metalaudio::models
