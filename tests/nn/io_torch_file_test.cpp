#include <metalaudio/nn/io/state_reader.h>
#include <metalaudio/nn/io/torch_file.h>
#include <zip.h>

#include <algorithm>
#include <map>

#include "io_pickle_support.h"
#include "tests/support/test_folder.h"
#include "tests/support/test_paths.h"

namespace metalaudio::nn {
namespace {

using nlohmann::json;

const std::filesystem::path kGoldens = golden_dir() / "checkpoints";

/// Empty if every tensor is as torch saw it, otherwise the name of the first that is not.
std::string first_difference(const StateFile& checkpoint, const json& expected) {
  if (checkpoint.state.size() != expected.size()) return "the number of tensors";
  for (const auto& [name, tensor] : checkpoint.state) {
    const auto& golden = expected.at(name);
    const auto extents = tensor.shape().extents();
    // The goldens are float32 written with all their digits: equality is exact.
    if (golden.at("shape") != json(std::vector(extents.begin(), extents.end())) ||
        !std::ranges::equal(tensor.values(), golden.at("values").get<std::vector<float>>())) {
      return name;
    }
  }
  return "";
}

class TorchFile : public testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path path() const { return kGoldens / GetParam(); }
  json expected() const {
    return json::parse(read_text(kGoldens / "expected.json")).at(GetParam());
  }
  StateFile parse(std::string_view file) const {
    return is_zip() ? parse_torch_zip(as_bytes(file)) : parse_torch_legacy(as_bytes(file));
  }
  bool is_zip() const { return std::string_view(GetParam()).starts_with("zip"); }
};

TEST_P(TorchFile, HoldsWhatTorchWrote) {
  const StateFile checkpoint = load_state(path());
  EXPECT_EQ(checkpoint.metadata.at("klass"), "demucs.htdemucs.HTDemucs");
  EXPECT_EQ(checkpoint.metadata.at("args"), json::array());
  const json kwargs = {{"sources", {"drums", "bass"}},
                       {"segment", {{"_type", "fraction"}, {"numerator", 39}, {"denominator", 5}}},
                       {"channels", 4},
                       {"channels_time", nullptr},
                       {"cac", true},
                       {"dconv_init", 1e-3},
                       {"multi_freqs", json::array()},
                       {"big", 1LL << 40},
                       {"negative", -3},
                       {"nested", {{"a", {1, 2.5}}}}};
  EXPECT_EQ(checkpoint.metadata.at("kwargs"), kwargs);
  EXPECT_EQ(first_difference(checkpoint, expected()), "");
}

TEST_P(TorchFile, ItsConfigurationAloneHasNoState) {
  const StateFile configuration = load_state(path(), {.part = StatePart::metadata});
  EXPECT_EQ(configuration.metadata, load_state(path()).metadata);
  EXPECT_TRUE(configuration.state.empty());
}

TEST_P(TorchFile, AReaderGivesItsTensorsOneByOneAndInParts) {
  const StateFile whole = load_state(path());
  const StateReader reader(path());
  EXPECT_EQ(reader.outline().metadata, whole.metadata);
  EXPECT_EQ(reader.names().size(), whole.state.size());
  EXPECT_EQ(reader.shape("no such tensor"), nullptr);
  for (const auto& [name, tensor] : whole.state) {
    ASSERT_NE(reader.shape(name), nullptr) << name;
    EXPECT_EQ(*reader.shape(name), tensor.shape()) << name;
    EXPECT_TRUE(std::ranges::equal(reader.read(name, 0, tensor.shape()).values(), tensor.values()))
        << name;
    if (tensor.size() < 2) continue;
    const auto rest = static_cast<std::int64_t>(tensor.size()) - 1;
    EXPECT_TRUE(
        std::ranges::equal(reader.read(name, 1, {rest}).values(), tensor.values().subspan(1)))
        << name;
  }
}

/// What is at hand may still be given; nothing ends the process.
TEST_P(TorchFile, AReaderSaysSoWhereTheFileIsCutShortAfterwards) {
  const TestFolder folder;
  std::filesystem::copy_file(path(), folder / "cut.th");
  const StateReader reader(folder / "cut.th");
  std::filesystem::resize_file(folder / "cut.th", 100);
  const std::string name = reader.names().front();
  if (is_zip()) {
    expect_error(ErrorCode::io, "cut.th: the file was changed",
                 [&] { reader.read(name, 0, *reader.shape(name)); });
  } else {
    EXPECT_TRUE(std::ranges::equal(reader.read(name, 0, *reader.shape(name)).values(),
                                   load_state(path()).state.at(name).values()));
  }
}

TEST_P(TorchFile, EveryTruncationIsAnError) {
  const std::string whole = read_text(path());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(parse(std::string_view(whole).substr(0, size)), Error) << size << " bytes";
  }
}

TEST_P(TorchFile, AFlippedBitIsAnErrorOrHarmless) {
  std::string file = read_text(path());
  const json golden = expected();
  for (std::size_t i = 0; i < file.size(); ++i) {
    const char whole = file[i];
    file[i] = static_cast<char>(whole ^ (1 << (i % 8)));
    try {
      const StateFile checkpoint = parse(file);
      // The zip has checksums, the legacy layout has none.
      if (is_zip()) {
        EXPECT_EQ(first_difference(checkpoint, golden), "") << "byte " << i;
      }
    } catch (const Error&) {  // any other exception fails the test
    }
    file[i] = whole;
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, TorchFile,
                         testing::Values("zip_half.th", "zip_mixed.th", "zip_protocol4.th",
                                         "zip_deflated.th", "legacy_half.th", "legacy_mixed.th"),
                         [](const auto& golden) {
                           const std::string_view name = golden.param;
                           return std::string(name.substr(0, name.find('.')));
                         });

void write_zip(const std::filesystem::path& path, const std::map<std::string, std::string>& files) {
  zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  ASSERT_NE(archive, nullptr);
  for (const auto& [name, content] : files) {
    zip_source_t* const source = zip_source_buffer(archive, content.data(), content.size(), 0);
    ASSERT_GE(zip_file_add(archive, name.c_str(), source, 0), 0);
  }
  ASSERT_EQ(zip_close(archive), 0);
}

std::string one_tensor() {
  return package("}",
                 dict(text("w"), tensor(storage("0", 2), 0, tuple(integer(2)), tuple(integer(1)))));
}

void expect_zip_refused(ErrorCode code, std::string_view reason,
                        const std::map<std::string, std::string>& files) {
  const TestFolder folder;
  write_zip(folder / "model.th", files);
  expect_error(code, "model.th: ", [&] { load_state(folder / "model.th"); });
  expect_error(code, reason, [&] { load_state(folder / "model.th"); });
}

TEST(TorchZip, ReadsAnArchiveOfAnotherProgram) {
  const TestFolder folder;
  write_zip(folder / "model.th",
            {{"m/data.pkl", one_tensor()}, {"m/data/0", std::string("\0\0\x80?\0\0\0\xc0", 8)}});
  const StateFile checkpoint = load_state(folder / "model.th");
  EXPECT_EQ(checkpoint.state.at("w").values()[0], 1.0F);
  EXPECT_EQ(checkpoint.state.at("w").values()[1], -2.0F);
}

TEST(TorchZip, RefusesArchivesThatAreNone) {
  expect_zip_refused(ErrorCode::invalid_data, "without data.pkl", {{"readme.txt", "hello"}});
  expect_zip_refused(ErrorCode::invalid_data, "lacks 'data/0'", {{"m/data.pkl", one_tensor()}});
  expect_zip_refused(ErrorCode::invalid_data, "'data/0' has 7 bytes, expected 2 elements of 4",
                     {{"m/data.pkl", one_tensor()}, {"m/data/0", "1234567"}});
  expect_zip_refused(ErrorCode::unsupported, "big-endian",
                     {{"m/data.pkl", one_tensor()}, {"m/byteorder", "big"}});
  expect_zip_refused(ErrorCode::unsupported, "TorchScript",
                     {{"m/data.pkl", one_tensor()}, {"m/constants.pkl", ""}});
  expect_zip_refused(ErrorCode::unsupported, "'posix.system'",
                     {{"m/data.pkl", global("posix", "system") + text("ls") + "\x85R."}});
}

TEST(TorchZip, RefusesABomb) {
  const std::string zeros(8U << 20U, '\0');  // deflated to some 8 KiB
  expect_zip_refused(ErrorCode::invalid_data, "unpacks to far too much", {{"m/data.pkl", zeros}});
}

TEST(TorchZip, ACutFileIsNamed) {
  const TestFolder folder;
  const std::string whole = read_text(kGoldens / "zip_half.th");
  write_text(folder / "cut.th", std::string_view(whole).substr(0, whole.size() / 2));
  expect_error(ErrorCode::invalid_data, "cut.th: the zip archive is damaged",
               [&] { load_state(folder / "cut.th"); });
}

TEST(TorchZip, NamesADamagedEntry) {
  std::string file = read_text(kGoldens / "zip_half.th");
  const std::size_t found = file.find("encoder.0.weight");
  ASSERT_NE(found, std::string::npos);
  file[found] = 'E';
  expect_error(ErrorCode::invalid_data, "'data.pkl' in the zip archive is damaged: CRC error",
               [&] { parse_torch_zip(as_bytes(file)); });
}

}  // namespace
}  // namespace metalaudio::nn
