#include <gmock/gmock.h>

#include "program.h"
#include "tests/support/http_server.h"
#include "tests/support/test_folder.h"

namespace metalaudio::apps {
namespace {

using testing::HasSubstr;
using testing::Not;

class ModelsCommand : public testing::Test {
 protected:
  ProgramResult run(const std::vector<std::string>& arguments, const std::string& url = "") const {
    ProgramSetting setting;
    setting.environment = {{"XDG_DATA_HOME", (folder_ / "data").string()},
                           {"METALAUDIO_MODEL_DIR", (folder_ / "shipped").string()},
                           {"METALAUDIO_MODEL_URL", url},
                           {"no_proxy", "127.0.0.1"}};
    return run_program(arguments, setting);
  }

  TestFolder folder_;
};

TEST_F(ModelsCommand, ListsPublishedAndInstalledModels) {
  std::filesystem::create_directories(folder_ / "shipped");
  write_text(folder_ / "shipped/mine.th", "");
  write_text(folder_ / "shipped/955717e8.th", "");
  const ProgramResult result = run({"models", "list"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, testing::ContainsRegex("htdemucs +84 MB +installed"));
  EXPECT_THAT(result.out, testing::ContainsRegex("htdemucs_6s +55 MB +drums"));
  EXPECT_THAT(result.out, testing::ContainsRegex("hdemucs_mmi +not supported yet"));
  EXPECT_THAT(result.out, testing::ContainsRegex("mine +installed"));
  EXPECT_THAT(result.out, Not(HasSubstr("955717e8")));
}

TEST_F(ModelsCommand, SaysWhereAModelIs) {
  std::filesystem::create_directories(folder_ / "shipped");
  write_text(folder_ / "shipped/mine.th", "");
  const ProgramResult result = run({"models", "path", "mine"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, (folder_ / "shipped/mine.th").string() + "\n");
  const ProgramResult missing = run({"models", "path", "htdemucs_6s"});
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.err, HasSubstr("run: metalaudio models get htdemucs_6s"));
}

TEST_F(ModelsCommand, ListsAmpsAndSaysWhereTheyAre) {
  std::filesystem::create_directories(folder_ / "shipped");
  write_text(folder_ / "shipped/plexi.nam", "");
  EXPECT_THAT(run({"models", "list"}).out,
              testing::ContainsRegex("plexi +0 kB +installed +a neural amp"));
  EXPECT_EQ(run({"models", "path", "plexi"}).out, (folder_ / "shipped/plexi.nam").string() + "\n");
}

TEST_F(ModelsCommand, AFailedDownloadIsOneLineAndTheLicenceNoteComesOnce) {
  const HttpServer server([](const HttpRequest&) { return HttpAnswer{404, "", "", 0}; });
  const ProgramResult first = run({"models", "get", "htdemucs"}, server.url());
  EXPECT_EQ(first.status, 1);
  EXPECT_THAT(first.err, HasSubstr("About the weights"));
  EXPECT_THAT(first.err, HasSubstr("955717e8-8726e21a.th: the server answers 404"));
  const ProgramResult second = run({"models", "get", "htdemucs"}, server.url());
  EXPECT_EQ(second.status, 1);
  EXPECT_EQ(second.err,
            "metalaudio: " + server.url() + "955717e8-8726e21a.th: the server answers 404\n");
}

/// What stops root as another user's home stops everybody else.
TEST_F(ModelsCommand, AFolderThatCannotBeLookedIntoIsOneLine) {
  std::filesystem::create_symlink("data", folder_ / "data");
  const ProgramResult result = run({"models", "get", "htdemucs"}, "http://127.0.0.1:9/");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("data/metalaudio/models: Too many levels of symbolic links"));
  EXPECT_THAT(result.err, Not(HasSubstr("filesystem error")));
}

TEST_F(ModelsCommand, RefusesWhatIsNotToBeHad) {
  const ProgramResult family = run({"models", "get", "hdemucs_mmi"});
  EXPECT_EQ(family.status, 1);
  EXPECT_EQ(family.err,
            "metalaudio: hdemucs_mmi: models of the class HDemucs are not supported yet\n");
  const ProgramResult unknown = run({"models", "get", "nothing"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.err, HasSubstr("nothing: no published model has this name"));
}

}  // namespace
}  // namespace metalaudio::apps
