#include "apps/batch/track_list_file.h"

#include <metalaudio/core/error.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <set>
#include <string>

namespace metalaudio::apps {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

[[noreturn]] void fail_line(const fs::path& list, std::size_t line, const std::string& reason) {
  fail(ErrorCode::invalid_data, "--list {}: line {}: {}", list.string(), line, reason);
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

std::vector<fs::path> read(std::istream& in, const fs::path& list) {
  std::vector<fs::path> paths;
  std::set<std::string> known;  // a track that failed twice is in a manifest twice
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (number == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (line[0] == '{' || line[0] == '"') line = path_in_json(line, list, number);
    if (line.empty() || line.find('\0') != std::string::npos)
      fail_line(list, number, "not the name of a file");
    if (known.insert(line).second) paths.emplace_back(std::move(line));
  }
  if (in.bad()) fail(ErrorCode::io, "--list {}: reading failed", list.string());
  return paths;
}

}  // namespace

std::vector<fs::path> read_track_list(const fs::path& list) {
  if (list == "-") return read(std::cin, "-");
  std::error_code ignored;
  if (fs::is_directory(list, ignored))
    fail(ErrorCode::io, "--list {}: is a folder; it is taken as a TRACK", list.string());
  errno = 0;
  std::ifstream file(list, std::ios::binary);
  if (!file)
    fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, "--list {}: {}", list.string(),
         std::strerror(errno));
  return read(file, list);
}

}  // namespace metalaudio::apps
