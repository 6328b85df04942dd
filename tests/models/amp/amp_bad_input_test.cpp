#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/amp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "benchmarks/nn/amp_models.h"

namespace metalaudio::models {
namespace {

using nlohmann::json;

/// What the constructor says of a file, empty where it takes it.
std::string refusal(const std::string& text, ErrorCode* code = nullptr) {
  try {
    const Amp amp(std::as_bytes(std::span<const char>(text)));
    return "";
  } catch (const Error& error) {
    if (code != nullptr) *code = error.code();
    return error.what();
  }
}

std::string refusal(const json& file, ErrorCode* code = nullptr) {
  return refusal(file.dump(), code);
}

json small() { return amp_models::a1(2, 2, "Tanh"); }

json container(const json& model) {
  return amp_models::nam_file("SlimmableContainer",
                              {{"submodels", {{{"max_value", 1.0}, {"model", model}}}}}, {});
}

TEST(AmpBadInput, AWholeFileIsTaken) { EXPECT_EQ(refusal(small()), ""); }

TEST(AmpBadInput, TheNumberOfWeightsMustFit) {
  for (json file : {small(), amp_models::a2(3), amp_models::lstm(1, 3)}) {
    json more = file;
    more["weights"].push_back(0.5);
    EXPECT_NE(refusal(more).find("too many"), std::string::npos) << refusal(more);
    file["weights"].erase(file["weights"].size() - 1);
    EXPECT_NE(refusal(file).find("too few"), std::string::npos) << refusal(file);
    file["weights"] = json::array();
    EXPECT_NE(refusal(file).find("too few"), std::string::npos) << refusal(file);
  }
}

TEST(AmpBadInput, VersionsFrom05To07AreRead) {
  for (const char* version : {"0.5.0", "0.5.4", "0.6.1", "0.7.0", "0.7.9"}) {
    json file = small();
    file["version"] = version;
    EXPECT_EQ(refusal(file), "") << version;
  }
  for (const char* version :
       {"0.4.9", "0.8.0", "1.0.0", "0.7", "0.7.0.1", "0.7.x", "", "-0.7.0", "99999999999.0.0"}) {
    json file = small();
    file["version"] = version;
    EXPECT_NE(refusal(file), "") << version;
  }
  json file = small();
  file["version"] = 7;
  EXPECT_NE(refusal(file), "");
  file.erase("version");
  EXPECT_NE(refusal(file), "");
}

TEST(AmpBadInput, SizesMustBeNumbersThatAMachineHolds) {
  for (const json& value : {json(0), json(-1), json(1.5), json(1e300), json(4000000000U), json("3"),
                            json(nullptr), json::array()}) {
    for (const char* key :
         {"channels", "kernel_size", "input_size", "condition_size", "head_size"}) {
      json file = small();
      file["config"]["layers"][0][key] = value;
      EXPECT_NE(refusal(file), "") << key << " " << value;
    }
    json file = small();
    file["config"]["layers"][0]["dilations"][3] = value;
    EXPECT_NE(refusal(file), "") << value;
  }
  json file = small();
  for (auto& dilation : file["config"]["layers"][0]["dilations"]) dilation = 4000000;
  ErrorCode code{};
  EXPECT_NE(refusal(file, &code), "");
  EXPECT_EQ(code, ErrorCode::invalid_data);
}

TEST(AmpBadInput, RatesMustBeRates) {
  for (const json& rate : {json(0), json(-44100), json(1e9), json("fast"), json(json::array())}) {
    json file = small();
    file["sample_rate"] = rate;
    EXPECT_NE(refusal(file), "") << rate;
  }
  for (const json& none : {json(nullptr), json(-1)}) {
    json file = small();
    file["sample_rate"] = none;
    EXPECT_EQ(refusal(file), "") << none;
  }
}

TEST(AmpBadInput, AModelInsideAnotherHasItsRate) {
  json inner = small();
  inner["sample_rate"] = 44100;
  json outer = container(inner);
  EXPECT_NE(refusal(outer), "");
  outer.erase("sample_rate");
  const std::string text = outer.dump();
  EXPECT_EQ(Amp(std::as_bytes(std::span<const char>(text))).sample_rate_hz(), 44100.0);
}

TEST(AmpBadInput, ContainersMayLieInsideEachOtherButNotForever) {
  EXPECT_EQ(refusal(container(small())), "");
  EXPECT_EQ(refusal(container(container(container(small())))), "");
  json deep = small();
  for (int i = 0; i < 8; ++i) deep = container(deep);
  EXPECT_NE(refusal(deep), "");
  json low = container(small());
  low["config"]["submodels"][0]["max_value"] = 0.5;
  EXPECT_NE(refusal(low), "");
  low["config"]["submodels"] = json::array();
  EXPECT_NE(refusal(low), "");
  json weights = container(small());
  weights["weights"].push_back(1.0);
  EXPECT_NE(refusal(weights), "");
}

TEST(AmpBadInput, WeightsMustBeFiniteNumbers) {
  for (const json& weight :
       {json(1e300), json("1"), json(nullptr), json(json::object()), json(true)}) {
    json file = small();
    file["weights"][5] = weight;
    EXPECT_NE(refusal(file), "") << weight;
  }
  std::string text = small().dump();
  text.replace(text.find("\"weights\":[") + 11, 1, "1e999,");
  EXPECT_NE(refusal(text), "");
}

TEST(AmpBadInput, EveryBeginningOfAFileIsRefused) {
  const std::string text = small().dump();
  for (std::size_t length = 0; length < text.size(); length += 7)
    EXPECT_NE(refusal(text.substr(0, length)), "");
}

TEST(AmpBadInput, WhatIsNoModelIsRefused) {
  for (const char* text : {"[]", "3", "null", "{}", "{\"a\": {}}", "{\"weight\": []}",
                           "{\"weight\": [[]]}", "{\"weight\": [[1], [1, 2]]}", "{\"layers\": []}",
                           "{\"model_data\": {}}", "{\"architecture\": \"LSTM\"}"})
    EXPECT_NE(refusal(std::string(text)), "") << text;
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "[";
  EXPECT_NE(refusal(deep), "");
}

TEST(AmpBadInput, RefusalsSpeakOfTheFileAndNotOfTheParser) {
  EXPECT_NE(refusal(std::string()).find("empty"), std::string::npos) << refusal(std::string());
  std::string nan = small().dump();
  nan.replace(nan.find("\"weights\":[") + 11, 1, "NaN,");
  for (const std::string& text : {std::string("<html>"), nan, std::string("{\"a\": \"\xe9\"}")}) {
    EXPECT_NE(refusal(text).find("not a JSON file: line 1"), std::string::npos) << refusal(text);
    EXPECT_NE(refusal(text).find("; last read"), std::string::npos) << refusal(text);
    EXPECT_EQ(refusal(text).find("exception"), std::string::npos) << refusal(text);
  }
  json keras = amp_models::keras_recurrent("gru", 4);
  keras["layers"][0]["weights"][2] = amp_models::random_weights(12, 3);
  EXPECT_NE(refusal(keras).find("reset_after"), std::string::npos) << refusal(keras);
  keras["layers"][0]["weights"].erase(2);
  EXPECT_NE(refusal(keras).find("expected 3"), std::string::npos) << refusal(keras);
  keras["layers"] = nullptr;
  EXPECT_NE(refusal(keras).find("layers is missing"), std::string::npos) << refusal(keras);
}

TEST(AmpBadInput, UnknownPartsAreSaidToBeUnsupported) {
  ErrorCode code{};
  json file = small();
  file["architecture"] = "Transformer";
  EXPECT_NE(refusal(file, &code).find("Transformer"), std::string::npos);
  EXPECT_EQ(code, ErrorCode::unsupported);
  file = small();
  file["config"]["layers"][0]["activation"] = "Snake";
  EXPECT_NE(refusal(file, &code).find("Snake"), std::string::npos);
  EXPECT_EQ(code, ErrorCode::unsupported);
  json keras = amp_models::keras_recurrent("gru", 4);
  keras["layers"][0]["type"] = "attention";
  EXPECT_NE(refusal(keras, &code).find("attention"), std::string::npos);
  EXPECT_EQ(code, ErrorCode::unsupported);
}

TEST(AmpBadInput, ShapesAndWeightsOfRtNeuralMustAgree) {
  EXPECT_EQ(refusal(amp_models::keras_recurrent("gru", 4)), "");
  json file = amp_models::keras_recurrent("gru", 4);
  file["layers"][0]["shape"][2] = 5;
  EXPECT_NE(refusal(file), "");
  file = amp_models::keras_recurrent("lstm", 4);
  file["layers"][0]["weights"].erase(2);
  EXPECT_NE(refusal(file), "");
  file = amp_models::keras_recurrent("lstm", 4);
  file["layers"][1]["weights"][0][2] = json::array();
  EXPECT_NE(refusal(file), "");
  file["layers"].erase(1);
  EXPECT_NE(refusal(file), "") << "four outputs";
}

TEST(AmpBadInput, WhatWouldChangeTheSoundOfALayerIsNotPassedOver) {
  ErrorCode code{};
  const auto refused = [&](const json& file, const char* what) {
    EXPECT_NE(refusal(file, &code).find(what), std::string::npos) << what << refusal(file);
    EXPECT_EQ(code, ErrorCode::unsupported);
  };
  for (const char* type : {"gru", "lstm"}) {
    json file = amp_models::keras_recurrent(type, 4);
    file["layers"][0]["activation"] = "relu";
    refused(file, "activation relu");
    file["layers"][0]["activation"] = "";
    file["layers"][0]["recurrent_activation"] = "hard_sigmoid";
    refused(file, "recurrent_activation hard_sigmoid");
    file["layers"][0]["recurrent_activation"] = "sigmoid";
    EXPECT_EQ(refusal(file), "");
  }
  const json conv{{"type", "conv1d"},
                  {"activation", ""},
                  {"shape", {nullptr, nullptr, 1}},
                  {"kernel_size", {2}},
                  {"dilation", {1}},
                  {"padding", "same"},
                  {"weights", json::array({json::array({json::array({json::array({1.0})}),
                                                        json::array({json::array({1.0})})}),
                                           json::array({0.0})})}};
  json file{{"in_shape", {nullptr, nullptr, 1}}, {"layers", json::array({conv})}};
  refused(file, "padding same");
  file["layers"][0]["padding"] = "causal";
  EXPECT_EQ(refusal(file), "");
}

/// One LSTM of one unit.
json guitarml() {
  const json column =
      json::array({json::array({0.1}), json::array({0.2}), json::array({0.3}), json::array({0.4})});
  return {{"model_data",
           {{"unit_type", "LSTM"},
            {"input_size", 1},
            {"hidden_size", 1},
            {"num_layers", 1},
            {"bias_fl", true}}},
          {"state_dict",
           {{"rec.weight_ih_l0", column},
            {"rec.weight_hh_l0", column},
            {"rec.bias_ih_l0", {0.1, 0.2, 0.3, 0.4}},
            {"rec.bias_hh_l0", {0.1, 0.2, 0.3, 0.4}},
            {"lin.weight", json::array({json::array({1.0})})},
            {"lin.bias", {0.5}}}}};
}

TEST(AmpBadInput, EveryTensorOfAStateBelongsToALayer) {
  EXPECT_EQ(refusal(guitarml()), "");
  EXPECT_EQ(refusal(guitarml()["state_dict"]), "");
  for (const char* name : {"rec.weight_hr_l0", "rec.weight_ih_l1", "lin.weight_g", "post.weight"}) {
    json file = guitarml();
    file["state_dict"][name] = json::array({json::array({1.0})});
    EXPECT_NE(refusal(file).find(name), std::string::npos) << name << refusal(file);
  }
  json state = guitarml()["state_dict"];
  state["rec.weight_hr_l0"] = json::array({json::array({1.0})});
  EXPECT_NE(refusal(state).find("rec.weight_hr_l0"), std::string::npos) << refusal(state);
  json file = guitarml();
  file["model_data"]["num_layers"] = 2;
  EXPECT_NE(refusal(file).find("rec.weight_ih_l1 is missing"), std::string::npos) << refusal(file);
  file = guitarml();
  file["state_dict"].erase("lin.bias");
  EXPECT_NE(refusal(file).find("lin.bias is missing"), std::string::npos) << refusal(file);
  file["model_data"]["bias_fl"] = false;
  EXPECT_EQ(refusal(file), "");
}

TEST(AmpBadInput, OptionsAndPathsAreChecked) {
  const std::string text = small().dump();
  const auto bytes = std::as_bytes(std::span<const char>(text));
  AmpOptions options;
  for (const std::size_t channels : {0U, 3U}) {
    options.channels = channels;
    EXPECT_THROW(Amp(bytes, options), Error);
  }
  options.channels = 1;
  for (const double slim : {-0.1, 1.1, std::nan("")}) {
    options.slim = slim;
    EXPECT_THROW(Amp(bytes, options), Error);
  }
  EXPECT_THROW(Amp(std::filesystem::path("/nowhere/at/all.nam")), Error);
  EXPECT_THROW(Amp(std::filesystem::path("/")), Error);
  EXPECT_THROW(Amp(std::filesystem::path("/dev/zero")), Error);
  // It would be waited for.
  const std::filesystem::path pipe =
      std::filesystem::temp_directory_path() / ("amp-pipe-" + std::to_string(::getpid()));
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW(Amp{pipe}, Error);
  std::filesystem::remove(pipe);
}

}  // namespace
}  // namespace metalaudio::models
