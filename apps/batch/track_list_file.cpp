#include "apps/batch/track_list_file.h"

#include <fcntl.h>
#include <metalaudio/core/error.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

#include "apps/terminal/standard_streams.h"

namespace metalaudio::apps {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
/// A million long paths; a device may never end.
constexpr std::size_t kMostBytes = std::size_t{256} << 20;

[[noreturn]] void fail_line(const fs::path& list, std::size_t line, const std::string& reason) {
  fail(ErrorCode::invalid_data, "--list {}: line {}: {}", list.string(), line, reason);
}

[[noreturn]] void fail_io(const fs::path& list) {
  fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, "--list {}: {}", list.string(),
       std::strerror(errno));
}

std::string path_in_json(const std::string& text, const fs::path& list, std::size_t line) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded())
    fail_line(list, line, "begins like JSON and is none; a name like this goes behind ./");
  if (json.is_string()) return json.get<std::string>();
  for (const char* key : {"path", "track"})
    if (json.contains(key) && json.at(key).is_string()) return json.at(key).get<std::string>();
  fail_line(list, line, "neither \"path\" nor \"track\" is in it as a text");
}

/// Players write addresses: "file:///music/My%20song.mp3".
std::string path_in_address(std::string_view address) {
  constexpr std::string_view kScheme = "file://";
  if (!address.starts_with(kScheme)) return std::string(address);
  address.remove_prefix(kScheme.size());
  address.remove_prefix(std::min(address.find('/'), address.size()));  // the name of this machine
  std::string path;
  for (std::size_t i = 0; i < address.size(); ++i) {
    const auto is_digit = [&](std::size_t place) {
      return place < address.size() && std::isxdigit(static_cast<unsigned char>(address[place]));
    };
    if (address[i] == '%' && is_digit(i + 1) && is_digit(i + 2)) {
      const std::string digits(address.substr(i + 1, 2));
      path += static_cast<char>(std::strtoul(digits.c_str(), nullptr, 16));
      i += 2;
    } else {
      path += address[i];
    }
  }
  return path;
}

bool is_playlist(const fs::path& list) {
  std::string extension = list.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension == ".m3u" || extension == ".m3u8";
}

/// All of it, whatever it is: a file, a pipe, a terminal.
std::string content_of(int file, const fs::path& list) {
  std::string content;
  std::string block(std::size_t{1} << 16, '\0');
  for (;;) {
    const ssize_t got = read_or_stop(file, block.data(), block.size());
    if (got < 0) fail_io(list);
    if (got == 0) return content;
    content.append(block, 0, static_cast<std::size_t>(got));
    if (content.size() > kMostBytes)
      fail(ErrorCode::invalid_data, "--list {}: more than {} bytes", list.string(), kMostBytes);
  }
}

std::vector<fs::path> paths_in(std::string_view content, const fs::path& list) {
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  // Where it comes through a pipe, its first line tells.
  const bool is_named_playlist = is_playlist(list);
  const bool has_comments = is_named_playlist || content.starts_with("#EXTM3U");
  std::vector<fs::path> paths;
  std::set<std::string> known;  // a track that failed twice is in a manifest twice
  for (std::size_t number = 1; !content.empty(); ++number) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    std::string line(content.substr(0, end));
    content.remove_prefix(std::min(end + 1, content.size()));
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || (has_comments && line[0] == '#')) continue;
    if (has_comments)
      line = path_in_address(line);
    else if (line[0] == '{' || line[0] == '"')
      line = path_in_json(line, list, number);
    if (line.empty() || line.find('\0') != std::string::npos)
      fail_line(list, number, "not the name of a file");
    if (is_named_playlist) line = (list.parent_path() / line).string();
    if (known.insert(line).second) paths.emplace_back(std::move(line));
  }
  return paths;
}

class OpenFile {
 public:
  // O_NONBLOCK: a named pipe is opened at once, and waited for where a signal ends the wait.
  explicit OpenFile(const fs::path& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (file_ >= 0) ::close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int descriptor() const noexcept { return file_; }

 private:
  int file_;
};

}  // namespace

std::vector<fs::path> read_track_list(const fs::path& list) {
  if (list == "-") return paths_in(content_of(STDIN_FILENO, list), list);
  std::error_code ignored;
  if (fs::is_directory(list, ignored))
    fail(ErrorCode::io, "--list {}: is a folder; it is taken as a TRACK", list.string());
  const OpenFile file(list);
  if (file.descriptor() < 0) fail_io(list);
  return paths_in(content_of(file.descriptor(), list), list);
}

}  // namespace metalaudio::apps
