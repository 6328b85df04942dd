#include <metalaudio/nn/io/safetensors.h>
#include <metalaudio/nn/io/state_reader.h>

#include <algorithm>
#include <cstring>

#include "tests/support/test_folder.h"

namespace metalaudio::nn {
namespace {

using nlohmann::json;

StateFile example() {
  StateFile checkpoint;
  checkpoint.metadata = {{"format", "pt"}, {"config", {{"sources", {"drums", "bass"}}}}};
  Tensor& weight = checkpoint.state["encoder.0.weight"] = Tensor({2, 3});
  for (std::size_t i = 0; i < weight.size(); ++i) weight.values()[i] = 0.1F * static_cast<float>(i);
  checkpoint.state["scalar"] = Tensor(Shape{});
  checkpoint.state["scalar"].values()[0] = -1.5F;
  checkpoint.state["none"] = Tensor({0, 4});
  return checkpoint;
}

/// A file with this header and so many bytes of data.
std::string file_with(const std::string& header, std::size_t data_bytes = 0) {
  std::string file(8, '\0');
  const std::uint64_t bytes = header.size();
  std::memcpy(file.data(), &bytes, sizeof bytes);
  return file + header + std::string(data_bytes, '\0');
}

std::string header_with(const std::string& tensors) {
  return R"({"__metadata__":{"klass":"K","args":"[]","kwargs":"{}"})" +
         (tensors.empty() ? "" : "," + tensors) + "}";
}

void expect_refused(ErrorCode code, std::string_view reason, const std::string& file) {
  expect_error(code, reason, [&] { parse_safetensors(as_bytes(file)); });
}

TEST(Safetensors, WrittenFilesAreReadBack) {
  const TestFolder folder;
  const StateFile written = example();
  save_safetensors(folder / "model.safetensors", written);
  const StateFile read = load_state(folder / "model.safetensors");
  const json metadata = {{"format", "pt"}, {"config", R"({"sources":["drums","bass"]})"}};
  EXPECT_EQ(read.metadata, metadata) << "the format has texts alone";
  ASSERT_EQ(read.state.size(), 3U);
  for (const auto& [name, tensor] : written.state) {
    EXPECT_EQ(read.state.at(name).shape(), tensor.shape()) << name;
    EXPECT_TRUE(std::ranges::equal(read.state.at(name).values(), tensor.values())) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "model.safetensors.part"));
  const StateFile part = load_state(folder / "model.safetensors", {.part = StatePart::metadata});
  EXPECT_EQ(part.metadata, metadata);
  EXPECT_TRUE(part.state.empty());
}

TEST(Safetensors, AReaderReadsWhatItIsAskedForAndSaysSoWhereTheFileIsCutShort) {
  const TestFolder folder;
  const std::filesystem::path path = folder / "model.safetensors";
  save_safetensors(path, example());
  const StateReader reader(path);
  EXPECT_EQ(reader.names(), (std::vector<std::string>{"encoder.0.weight", "none", "scalar"}));
  const Tensor row = reader.read("encoder.0.weight", 3, {1, 3});
  EXPECT_TRUE(
      std::ranges::equal(row.values(), example().state.at("encoder.0.weight").values().subspan(3)));
  EXPECT_EQ(reader.read("none", 0, {0, 4}).size(), 0U);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 4);
  expect_error(ErrorCode::io, "model.safetensors: the file was changed", [&] {
    reader.read("encoder.0.weight", 0, {2, 3});
  });
}

TEST(Safetensors, HalvesAreRoundedOnce) {
  const TestFolder folder;
  save_safetensors(folder / "half", example(), DataType::f16);
  const StateFile read = load_state(folder / "half");
  EXPECT_EQ(read.state.at("scalar").values()[0], -1.5F);
  EXPECT_EQ(read.state.at("encoder.0.weight").values()[1], 0x1.998p-4F);  // 0.1 as a half
}

TEST(Safetensors, WritingToNowhereIsAnError) {
  expect_error(ErrorCode::io, "/nowhere/model",
               [] { save_safetensors("/nowhere/model", example()); });
}

TEST(Safetensors, RefusesBrokenHeaders) {
  const auto bad = ErrorCode::invalid_data;
  std::string far = file_with(header_with(""));
  far[5] = 1;
  expect_refused(bad, "a header of 1099511", far);
  expect_refused(bad, "a header of 0 bytes in a file of 3", "abc");
  expect_refused(bad, "not JSON", file_with("{\"a\":"));
  expect_refused(bad, "not an object", file_with("[1]"));
  expect_refused(bad, "nested too deeply", file_with(std::string(100000, '[')));
  expect_refused(bad, "metadata is not an object", file_with(R"({"__metadata__":[]})"));
}

TEST(Safetensors, AnyMetadataOrNoneIsRead) {
  EXPECT_TRUE(parse_safetensors(as_bytes(file_with("{}"))).metadata.empty());
  const json other = {{"format", "pt"}, {"note", "\"quoted\""}};
  const std::string text = json{{"__metadata__", other}}.dump();
  EXPECT_EQ(parse_safetensors(as_bytes(file_with(text))).metadata, other);
}

TEST(Safetensors, EveryTypeIsKeptWhenAsked) {
  const std::string tensors = R"("h":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},)"
                              R"("i":{"dtype":"U16","shape":[],"data_offsets":[4,6]},)"
                              R"("l":{"dtype":"BOOL","shape":[2],"data_offsets":[6,8]})";
  std::string file = file_with(header_with(tensors));
  file += std::string("\x80\x3f\x00\xc0\xff\xff\x00\x07", 8);
  const auto kept = parse_safetensors(as_bytes(file), {.keep_types = true}).state;
  EXPECT_EQ(kept.at("h").values_as<BFloat16>()[1].bits, 0xC000);
  EXPECT_EQ(kept.at("i").values_as<std::uint16_t>()[0], 65535);
  EXPECT_FALSE(kept.at("l").values_as<bool>()[0]);
  EXPECT_TRUE(kept.at("l").values_as<bool>()[1]);
  const auto widened = parse_safetensors(as_bytes(file)).state;
  EXPECT_EQ(widened.at("h").values()[0], 1.0F);
  EXPECT_EQ(widened.at("i").values()[0], 65535.0F);
  EXPECT_EQ(widened.at("l").values()[1], 1.0F);
}

TEST(Safetensors, RefusesBrokenTensors) {
  const auto bad = ErrorCode::invalid_data;
  const auto tensor = [](const char* shape, const char* offsets, const char* type = "F32") {
    return header_with(std::string(R"("w":{"dtype":")") + type + R"(","shape":)" + shape +
                       R"(,"data_offsets":)" + offsets + "}");
  };
  expect_refused(bad, "'w' lacks dtype", file_with(header_with(R"("w":{"shape":[1]})")));
  expect_refused(ErrorCode::unsupported, "type F8", file_with(tensor("[1]", "[0,1]", "F8"), 1));
  expect_refused(bad, "absurd shape",
                 file_with(tensor("[4294967296,4294967296,4294967296]", "[0,4]"), 4));
  expect_refused(bad, "absurd shape", file_with(tensor("[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4));
  expect_refused(bad, "not a short list", file_with(tensor("[-1]", "[0,4]"), 4));
  expect_refused(bad, "not a short list", file_with(tensor("[1.5]", "[0,4]"), 4));
  expect_refused(bad, "not a short list", file_with(tensor("[18446744073709551615]", "[0,4]"), 4));
  expect_refused(bad, "not [begin, end]", file_with(tensor("[1]", "[4,0]"), 4));
  expect_refused(bad, "not [begin, end]", file_with(tensor("[1]", "[0]"), 4));
  expect_refused(bad, "has 3 bytes of data", file_with(tensor("[1]", "[0,3]"), 3));
  expect_refused(bad, "has 4 bytes of data", file_with(tensor("[2]", "[0,4]"), 4));
  expect_refused(bad, "the tensors need 4 bytes of data, the file has 3",
                 file_with(tensor("[1]", "[0,4]"), 3));
  expect_refused(bad, "the tensors need 4 bytes of data, the file has 5",
                 file_with(tensor("[1]", "[0,4]"), 5));
  expect_refused(bad, "starts at byte 4 of the data, expected 0",
                 file_with(tensor("[1]", "[4,8]"), 8));
}

TEST(Safetensors, RefusesRepeatedNamesAndOverlaps) {
  const std::string w = R"("w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const std::string v = R"("v":{"dtype":"F32","shape":[1],"data_offsets":[2,6]})";
  expect_refused(ErrorCode::invalid_data, "names 'w' twice",
                 file_with(header_with(w + "," + w), 4));
  expect_refused(ErrorCode::invalid_data, "'v' starts at byte 2 of the data, expected 4",
                 file_with(header_with(w + "," + v), 6));
}

TEST(StateFile, NamesTheFileAndTheReason) {
  const TestFolder folder;
  expect_error(ErrorCode::not_found, "missing.th: No such file",
               [&] { load_state(folder / "missing.th"); });
  expect_error(ErrorCode::io, "not a regular file", [&] { load_state(folder / ""); });
  write_text(folder / "empty.th", "");
  expect_error(ErrorCode::invalid_data, "empty.th: the file is empty",
               [&] { load_state(folder / "empty.th"); });
  write_text(folder / "text.th", "Once upon a time there was a model.");
  expect_error(ErrorCode::invalid_data, "text.th: neither a torch checkpoint nor a safetensors",
               [&] { load_state(folder / "text.th"); });
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const TestFolder folder;
  save_safetensors(folder / "model", example());
  const std::string whole = read_text(folder / "model");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_error(ErrorCode::invalid_data, "",
                 [&] { parse_safetensors(as_bytes(whole).first(size)); });
  }
}

}  // namespace
}  // namespace metalaudio::nn
