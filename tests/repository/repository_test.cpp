#include <gmock/gmock.h>
#include <metalaudio/repository/model_repository.h>
#include <metalaudio/repository/sha256.h>

#include <sys/stat.h>

#include <cstdlib>

#include "tests/support/http_server.h"
#include "tests/support/test_folder.h"

namespace metalaudio::repository {
namespace {

namespace fs = std::filesystem;

/// A repository of its own, whose usual folders are empty but for what the test writes.
class Repository : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("no_proxy", "127.0.0.1", 1);
    ::setenv("XDG_DATA_HOME", (folder_ / "xdg").c_str(), 1);
    ::setenv("METALAUDIO_MODEL_DIR", (folder_ / "shipped").c_str(), 1);
    fs::create_directories(folder_ / "repo");
    fs::create_directories(folder_ / "shipped");
    fs::create_directories(model_data_folder());
  }
  void TearDown() override {
    ::unsetenv("XDG_DATA_HOME");
    ::unsetenv("METALAUDIO_MODEL_DIR");
    ::unsetenv("METALAUDIO_MODEL_URL");
  }

  /// Writes a file whose name carries its checksum; returns its path.
  fs::path write_signed(const fs::path& folder, const std::string& signature) const {
    write_text(folder_ / "signed", signature);
    const std::string sha256 = sha256_of_file(folder_ / "signed");
    const fs::path path = folder / (signature + "-" + sha256.substr(0, 8) + ".th");
    fs::rename(folder_ / "signed", path);
    return path;
  }
  ModelRepository repo() const { return ModelRepository(folder_ / "repo"); }

  TestFolder folder_;
};

TEST_F(Repository, FindsASignatureByEveryKindOfName) {
  const fs::path checked = write_signed(folder_ / "repo", "955717e8");
  write_text(folder_ / "repo/plain.th", "");
  write_text(folder_ / "repo/with-dash.safetensors", "");
  EXPECT_EQ(repo().find("955717e8").models, std::vector{checked});
  EXPECT_EQ(repo().find("plain").models, std::vector{folder_ / "repo/plain.th"});
  EXPECT_EQ(repo().find("with-dash").models, std::vector{folder_ / "repo/with-dash.safetensors"});
  EXPECT_EQ(repo().find("plain").name, "plain");
  EXPECT_TRUE(repo().find("plain").weights.empty());
}

TEST_F(Repository, FindsAmpsByNameAndByPath) {
  write_text(folder_ / "shipped/plexi.nam", "");
  write_text(folder_ / "own.json", "");
  const ModelRepository usual;
  EXPECT_EQ(usual.find_amp("plexi"), folder_ / "shipped/plexi.nam");
  EXPECT_EQ(usual.find_amp((folder_ / "own.json").string()), folder_ / "own.json");
  EXPECT_THAT(usual.list_amps(), testing::Contains("plexi"));
  EXPECT_THAT(usual.list(), testing::Not(testing::Contains("plexi")));
  expect_error(ErrorCode::not_found, "no amp of this name in", [&] { usual.find_amp("marshall"); });
  expect_error(ErrorCode::not_found, "plexi", [&] { usual.find_amp("marshall"); });
  for (const char* name : {"", "../shipped/plexi", "no/where.nam"})
    expect_error(ErrorCode::not_found, "no such file", [&] { usual.find_amp(name); });
  for (const char* name : {".", ".."})
    expect_error(ErrorCode::not_found, "a folder", [&] { usual.find_amp(name); });
  expect_error(ErrorCode::not_found, "not a regular file", [&] { usual.find_amp("/dev/null"); });
  // A file of the caller's goes before a name.
  write_text(folder_ / "repo/plexi.nam", "");
  EXPECT_EQ(repo().find_amp("plexi"), folder_ / "repo/plexi.nam");
}

TEST_F(Repository, APackageBringsAFolderOfItsOwnAndUsesTheUsualOnes) {
  fs::create_directories(folder_ / "package");
  write_text(folder_ / "package/theirs.th", "");
  write_text(folder_ / "package/both.th", "");
  write_text(folder_ / "shipped/both.th", "");
  const auto repository = ModelRepository::of_package(folder_ / "package");
  EXPECT_EQ(repository.find("theirs").models, std::vector{folder_ / "package/theirs.th"});
  EXPECT_EQ(repository.find("both").models, std::vector{folder_ / "shipped/both.th"});
  EXPECT_EQ(repository.list(), (std::vector<std::string>{"both", "theirs"}));
}

TEST_F(Repository, AWrongChecksumIsRefused) {
  write_text(folder_ / "repo/abc-00000000.th", "abc");
  expect_error(ErrorCode::invalid_data,
               "abc-00000000.th: its SHA-256 starts with ba7816bf, expected 00000000",
               [&] { repo().find("abc"); });
}

TEST_F(Repository, TwoFilesOfOneSignatureAreRefusedUnlessOneIsSafetensors) {
  write_signed(folder_ / "repo", "a");
  write_text(folder_ / "repo/a.th", "");
  expect_error(ErrorCode::invalid_data, "two files of one signature", [&] { repo().find("a"); });
  write_text(folder_ / "repo/a.safetensors", "");
  EXPECT_EQ(repo().find("a").models, std::vector{folder_ / "repo/a.safetensors"});
}

TEST_F(Repository, ABagResolvesItsModels) {
  const fs::path one = write_signed(folder_ / "repo", "one");
  write_text(folder_ / "repo/two.th", "");
  write_text(folder_ / "repo/both.yaml",
             "models: [one, two]\nweights: [[1, 0], [0, 1]]\nsegment: 5");
  const ModelBag bag = repo().find("both");
  EXPECT_EQ(bag.name, "both");
  EXPECT_EQ(bag.models, (std::vector{one, folder_ / "repo/two.th"}));
  EXPECT_EQ(bag.weights, (std::vector<std::vector<double>>{{1, 0}, {0, 1}}));
  EXPECT_EQ(bag.segment, 5.0);
  EXPECT_EQ(repo().list(), (std::vector<std::string>{"both", "one", "two"}));
  EXPECT_EQ(repo().find((folder_ / "repo/both.yaml").string()).models.size(), 2U);
  EXPECT_EQ(repo().find(one.string()).models, std::vector{one});
}

TEST_F(Repository, AModelThatABagLacksIsNamed) {
  write_text(folder_ / "repo/bag.yaml", "models: [one, two]");
  write_text(folder_ / "repo/two.th", "");
  expect_error(ErrorCode::not_found, "bag.yaml: the folder lacks one of the models one, two",
               [&] { repo().find("bag"); });
}

TEST_F(Repository, WhatIsMissingIsNamedWithTheRemedy) {
  expect_error(ErrorCode::not_found, "nothing: no such model in ", [&] { repo().find("nothing"); });
  expect_error(ErrorCode::not_found, "no such model in ",
               [&] { repo().find(std::string(5000, 'x')); });
  expect_error(ErrorCode::not_found, "run: metalaudio models get htdemucs",
               [&] { ModelRepository().find("htdemucs"); });
  expect_error(ErrorCode::unsupported, "hdemucs_mmi: models of the class HDemucs",
               [&] { ModelRepository().find("hdemucs_mmi"); });
  expect_error(ErrorCode::unsupported, "mdx_extra_q: diffq-quantised models",
               [&] { ModelRepository().find("mdx_extra_q"); });
  expect_error(ErrorCode::not_found, "nowhere: not a folder",
               [&] { ModelRepository(folder_ / "nowhere"); });
  fs::create_symlink("loop", folder_ / "loop");
  expect_error(ErrorCode::not_found, "loop: Too many levels of symbolic links",
               [&] { ModelRepository(folder_ / "loop"); });
}

TEST_F(Repository, APathToSomethingElseThanAModelSaysWhatIsThere) {
  std::filesystem::create_directories(folder_ / "folder.th");
  std::filesystem::create_symlink("nowhere", folder_ / "dangling.safetensors");
  std::filesystem::create_symlink("loop.th", folder_ / "loop.th");
  write_text(folder_ / "song.wav", "");
  ASSERT_EQ(::mkfifo((folder_ / "pipe.safetensors").c_str(), 0600), 0);
  const auto find = [&](const char* name) {
    return [this, name] { repo().find((folder_ / name).string()); };
  };
  expect_error(ErrorCode::io, "folder.th: a folder, not a model", find("folder.th"));
  expect_error(ErrorCode::not_found, "dangling.safetensors: a link to a file that is not there",
               find("dangling.safetensors"));
  expect_error(ErrorCode::io, "loop.th: Too many levels of symbolic links", find("loop.th"));
  expect_error(ErrorCode::io, "song.wav: not a .safetensors, .th or .yaml file", find("song.wav"));
  expect_error(ErrorCode::io, "pipe.safetensors: it is not a regular file",
               find("pipe.safetensors"));
  expect_error(ErrorCode::not_found, "none.th: no such model in ", find("none.th"));
}

TEST_F(Repository, TheDefaultIsHtdemucsWhereItIsInstalled) {
  EXPECT_EQ(ModelRepository().default_model(), "demo_6s");
  write_text(folder_ / "shipped/demo_6s.safetensors", "");
  EXPECT_EQ(ModelRepository().find("demo_6s").models,
            std::vector{folder_ / "shipped/demo_6s.safetensors"});
  write_text(model_data_folder() / "955717e8.th", "");
  EXPECT_EQ(ModelRepository().default_model(), "htdemucs");
  EXPECT_EQ(ModelRepository().find("htdemucs").models.size(), 1U);
}

TEST_F(Repository, PublishedModelsAreComplete) {
  for (const KnownModel& model : known_models()) {
    EXPECT_EQ(model.files.empty(), !model.unsupported.empty()) << model.name;
    for (const KnownFile& file : model.files) {
      const std::string stem = file.name.substr(0, file.name.find('.'));
      EXPECT_TRUE(file.sha256.starts_with(stem.substr(stem.find('-') + 1))) << file.name;
      EXPECT_EQ(file.sha256.size(), 64U);
    }
  }
  EXPECT_EQ(find_known_model("htdemucs_ft")->bag.models.size(), 4U);
  EXPECT_EQ(find_known_model("htdemucs_ft")->bag.weights.size(), 4U);
  EXPECT_EQ(find_known_model("something"), nullptr);
}

TEST_F(Repository, DownloadingFetchesOnlyWhatIsMissing) {
  const std::string content = "the weights";
  write_text(folder_ / "content", content);
  KnownModel model;
  model.name = "mine";
  model.files = {{"a.th", content.size(), sha256_of_file(folder_ / "content")},
                 {"b.th", content.size(), sha256_of_file(folder_ / "content")}};
  write_text(model_data_folder() / "a.th", "here already");
  const HttpServer server([&](const HttpRequest& r) { return answer_range(r, content); });
  ::setenv("METALAUDIO_MODEL_URL", (server.url() + "mirror").c_str(), 1);
  std::string told;
  download_model(model, model_data_folder(), [&](const KnownFile& file, std::uint64_t) {
    told = file.name;
    return true;
  });
  EXPECT_EQ(told, "b.th");
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(server.requests()[0].path, "/mirror/b.th");
  EXPECT_EQ(read_text(model_data_folder() / "b.th"), content);
}

TEST_F(Repository, AnUnsupportedModelIsNotDownloaded) {
  expect_error(ErrorCode::unsupported, "[download_model] mdx: ", [&] {
    download_model(*find_known_model("mdx"), model_data_folder());
  });
}

}  // namespace
}  // namespace metalaudio::repository
