#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/models/htdemucs/network.h>

#include <cmath>

#include "tests/support/test_paths.h"

namespace metalaudio::models {
namespace {

// Of the official files, counted by PyTorch.
constexpr std::size_t kHTDemucsParameters = 41984456;
constexpr std::size_t kHTDemucs6sParameters = 27414996;

nn::StateFile checkpoint(const nlohmann::json& kwargs) {
  nn::StateFile result;
  result.metadata = {
      {"klass", "demucs.htdemucs.HTDemucs"}, {"args", nlohmann::json::array()}, {"kwargs", kwargs}};
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
  nn::StateFile positional = checkpoint(nlohmann::json::object());
  positional.metadata["args"] = nlohmann::json::array({nlohmann::json::array({"drums", "bass"})});
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
  nn::StateFile other = checkpoint({{"sources", {"a"}}});
  other.metadata["klass"] = "demucs.hdemucs.HDemucs";
  EXPECT_THROW(read_htdemucs_config(other), Error);
}

TEST(HTDemucsConfig, TextsOfASafetensorsFileAreParsedWithLimits) {
  const auto refused = [](nlohmann::json metadata, ErrorCode code) {
    metadata["klass"] = "demucs.htdemucs.HTDemucs";
    try {
      read_htdemucs_config({{}, metadata});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  using testing::HasSubstr;
  const auto bad = ErrorCode::invalid_data;
  EXPECT_EQ(read_htdemucs_config({{},
                                  {{"klass", "demucs.htdemucs.HTDemucs"},
                                   {"args", "[[\"a\"]]"},
                                   {"kwargs", "{\"depth\":3}"}}})
                .depth,
            3);
  EXPECT_THAT(refused({{"args", "[]"}, {"kwargs", "{"}}, bad), HasSubstr("kwargs is not JSON"));
  EXPECT_THAT(refused({{"args", "{}"}, {"kwargs", "{}"}}, bad), HasSubstr("args is not a list"));
  EXPECT_THAT(refused({{"args", "[]"}}, bad), HasSubstr("kwargs not an object"));
  EXPECT_THAT(refused({{"args", std::string(100000, '[')}, {"kwargs", "{}"}}, bad),
              HasSubstr("nested too deeply"));
}

TEST(HTDemucsConfig, RefusesWhatDiffqHasQuantised) {
  nn::StateFile packed = checkpoint({{"sources", {"a"}}});
  packed.metadata["structure"] = "{}";
  nn::StateFile quantised = checkpoint({{"sources", {"a"}}});
  quantised.metadata["state"] = {{"__quantized", true}};
  for (const nn::StateFile& file : {packed, quantised}) {
    EXPECT_THAT([&] { read_htdemucs_config(file); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("diffq-quantised")));
  }
}

TEST(HTDemucsConfig, AnArgumentOfAnyBytesIsAnError) {
  EXPECT_THAT(refusal({{"sources", {"a"}}, {"nfft", "\xff\xfe\n"}}, ErrorCode::invalid_data),
              testing::HasSubstr("nfft"));
}

TEST(HTDemucsConfig, PublishedModelsNeedNoCheckpoint) {
  const auto parameters = [](const HTDemucsConfig& config) {
    nn::RandomState random(1);
    build_htdemucs(config, nn::Weights(random), Mode::full);
    std::size_t count = 0;
    for (const auto& [name, tensor] : random.file.state) count += tensor.size();
    return count;
  };
  EXPECT_EQ(parameters(HTDemucsConfig::htdemucs()), kHTDemucsParameters);
  EXPECT_EQ(parameters(HTDemucsConfig::htdemucs_6s()), kHTDemucs6sParameters);
  const HTDemucsConfig original = HTDemucsConfig::original();
  EXPECT_EQ(original.sources.size(), 6U);
  EXPECT_GT(parameters(original), std::size_t{50'000'000});
}

TEST(HTDemucs, RandomWeightsAreTheSameForTheSameSeed) {
  HTDemucsConfig config;
  config.sources = {"a", "b"};
  config.channels = 4;
  config.nfft = 256;
  config.t_layers = 1;
  config.bottom_channels = 16;
  config.samplerate = 8000;
  config.set_segment_seconds(0.5);
  ThreadPool pool(1);
  std::vector<float> mix(2 * 4000);
  for (std::size_t i = 0; i < mix.size(); ++i)
    mix[i] = std::sin(static_cast<float>(i) * static_cast<float>(i) * 1e-4F);
  const auto stems = [&](std::uint32_t seed) {
    std::vector<float> result(2 * mix.size());
    random_htdemucs(config, seed, {}, pool).run(mix, result);
    return result;
  };
  const std::vector<float> first = stems(1);
  EXPECT_EQ(first, stems(1));
  EXPECT_NE(first, stems(2));
  for (const float sample : first) ASSERT_TRUE(std::isfinite(sample));
}

TEST(HTDemucs, NamesATensorThatIsMissingOrHasAnotherShape) {
  ThreadPool pool(1);
  nn::StateFile model =
      nn::load_state(golden_dir() / "htdemucs" / "no_transformer.model.safetensors");
  nn::StateFile lacking = model;
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
  nn::StateFile model =
      nn::load_state(golden_dir() / "htdemucs" / "no_transformer.model.safetensors");
  nlohmann::json kwargs = nlohmann::json::parse(model.metadata["kwargs"].get<std::string>());
  kwargs["samplerate"] = 1000000;
  kwargs["segment"] = 600;
  model.metadata["kwargs"] = kwargs;
  try {
    HTDemucs(model, {}, pool);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory) << error.what();
  }
}

}  // namespace
}  // namespace metalaudio::models
