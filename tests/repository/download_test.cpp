#include <metalaudio/repository/download.h>
#include <metalaudio/repository/sha256.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstdlib>

#include "tests/support/http_server.h"
#include "tests/support/test_folder.h"

namespace metalaudio::repository {
namespace {

namespace fs = std::filesystem;

class Download : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("no_proxy", "127.0.0.1", 1);
    for (std::size_t i = 0; i < 300'000; ++i) content_ += static_cast<char>(i * i >> 7U);
    write_text(folder_ / "content", content_);
    sha256_ = sha256_of_file(folder_ / "content");
  }

  void get(const HttpServer& server, const DownloadProgress& progress = {}) {
    download_file({server.url() + "model.th", content_.size(), sha256_}, target_, progress);
  }

  TestFolder folder_;
  fs::path target_ = folder_ / "model.th";
  fs::path part_ = folder_ / "model.th.part";
  std::string content_;
  std::string sha256_;
};

TEST_F(Download, Sha256IsThatOfTheStandard) {
  write_text(folder_ / "abc", "abc");
  EXPECT_EQ(sha256_of_file(folder_ / "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect_error(ErrorCode::not_found, "none", [&] { sha256_of_file(folder_ / "none"); });
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const fs::path& path : {folder_ / "pipe", fs::path("/dev/zero"), fs::path("/")})
    expect_error(ErrorCode::io, "not a regular file", [&] { sha256_of_file(path); });
}

TEST_F(Download, TheFileAppearsWholeAndProgressEndsAtItsSize) {
  const HttpServer server([&](const HttpRequest& r) { return answer_range(r, content_); });
  std::uint64_t last = 0;
  get(server, [&](std::uint64_t bytes, std::uint64_t total) {
    EXPECT_GE(bytes, last);
    EXPECT_EQ(total, content_.size());
    last = bytes;
    return true;
  });
  EXPECT_EQ(last, content_.size());
  EXPECT_EQ(read_text(target_), content_);
  EXPECT_FALSE(fs::exists(part_));
  EXPECT_EQ(server.requests().at(0).path, "/model.th");
}

TEST_F(Download, ACutConnectionIsTakenUpWhereItEnded) {
  int count = 0;
  const HttpServer server([&](const HttpRequest& request) {
    HttpAnswer answer = answer_range(request, content_);
    if (count++ == 0) answer.cut_after = 100'000;
    return answer;
  });
  get(server);
  EXPECT_EQ(read_text(target_), content_);
  ASSERT_EQ(server.requests().size(), 2U);
  EXPECT_FALSE(server.requests()[0].range_begin);
  EXPECT_EQ(server.requests()[1].range_begin, 100'000U);
}

TEST_F(Download, TheNextCallGoesOnFromWhatHasArrived) {
  bool cut = true;
  const HttpServer server([&](const HttpRequest& request) {
    HttpAnswer answer = answer_range(request, content_);
    if (cut) answer.cut_after = 1000;
    return answer;
  });
  expect_error(ErrorCode::io, "cut off after 3000 of 300000 bytes", [&] { get(server); });
  EXPECT_FALSE(fs::exists(target_));
  EXPECT_EQ(fs::file_size(part_), 3000U);
  cut = false;
  get(server);
  EXPECT_EQ(server.requests().back().range_begin, 3000U);
  EXPECT_EQ(read_text(target_), content_);
}

TEST_F(Download, AServerThatIgnoresTheRangeSendsEverythingAgain) {
  write_text(part_, content_.substr(0, 5000));
  const HttpServer server([&](const HttpRequest&) {
    return HttpAnswer{200, content_, "", std::string::npos};
  });
  get(server);
  EXPECT_EQ(server.requests().at(0).range_begin, 5000U);
  EXPECT_EQ(read_text(target_), content_);
}

TEST_F(Download, AWholePartNeedsNoServer) {
  write_text(part_, content_);
  download_file({"http://127.0.0.1:1/model.th", content_.size(), sha256_}, target_);
  EXPECT_EQ(read_text(target_), content_);
}

TEST_F(Download, APartThatIsTooLongIsFetchedAnew) {
  write_text(part_, content_ + "more");
  const HttpServer server([&](const HttpRequest& r) { return answer_range(r, content_); });
  get(server);
  EXPECT_EQ(read_text(target_), content_);
}

TEST_F(Download, AnotherFileIsDeletedAndNamed) {
  std::string other = content_;
  other[1234] = static_cast<char>(other[1234] + 1);
  const HttpServer server([&](const HttpRequest& r) { return answer_range(r, other); });
  expect_error(ErrorCode::invalid_data, "expected " + sha256_ + "; it has been deleted",
               [&] { get(server); });
  EXPECT_FALSE(fs::exists(target_));
  EXPECT_FALSE(fs::exists(part_));
}

TEST_F(Download, MoreBytesThanExpectedAreRefused) {
  const HttpServer server([&](const HttpRequest& r) { return answer_range(r, content_ + "x"); });
  expect_error(ErrorCode::invalid_data, "more than the expected 300000 bytes",
               [&] { get(server); });
  EXPECT_FALSE(fs::exists(target_));
}

TEST_F(Download, TheServersRefusalIsNamed) {
  const HttpServer missing([](const HttpRequest&) { return HttpAnswer{404, "no", "", 2}; });
  expect_error(ErrorCode::not_found, "the server answers 404", [&] { get(missing); });
  const HttpServer broken([](const HttpRequest&) { return HttpAnswer{500, "no", "", 2}; });
  expect_error(ErrorCode::io, "the server answers 500", [&] { get(broken); });
}

TEST_F(Download, OnlyHttpIsFollowed) {
  const HttpServer server([&](const HttpRequest&) {
    return HttpAnswer{302, "", "Location: file://" + (folder_ / "content").string() + "\r\n", 0};
  });
  expect_error(ErrorCode::io, "nsupported protocol", [&] { get(server); });
  expect_error(ErrorCode::io, "[download_file] http://127.0.0.1:1/x", [&] {
    download_file({"http://127.0.0.1:1/x", 10, sha256_}, target_);
  });
}

TEST_F(Download, StoppingKeepsWhatHasArrived) {
  const HttpServer server([&](const HttpRequest& r) { return answer_range(r, content_); });
  expect_error(ErrorCode::cancelled, "stopped after", [&] {
    get(server, [](std::uint64_t bytes, std::uint64_t) { return bytes < 10'000; });
  });
  EXPECT_FALSE(fs::exists(target_));
  EXPECT_GE(fs::file_size(part_), 10'000U);
  get(server);
  EXPECT_EQ(read_text(target_), content_);
}

TEST_F(Download, OnlyOneProcessFetchesAFile) {
  std::FILE* const held = std::fopen(part_.c_str(), "w");
  ASSERT_EQ(::flock(fileno(held), LOCK_EX), 0);
  expect_error(ErrorCode::io, "another process is downloading it", [&] {
    download_file({"http://127.0.0.1:1/x", 10, sha256_}, target_);
  });
  std::fclose(held);
}

TEST_F(Download, AnUnwritableFolderIsNamed) {
  expect_error(ErrorCode::io, "/nowhere/model.th.part", [&] {
    download_file({"http://127.0.0.1:1/x", 10, sha256_}, "/nowhere/model.th");
  });
}

}  // namespace
}  // namespace metalaudio::repository
