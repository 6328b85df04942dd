#include "apps/batch/track_record.h"

#include <fmt/format.h>
#include <metalaudio/audio/output_file.h>
#include <sys/stat.h>

#include <cstdint>
#include <fstream>
#include <span>
#include <system_error>

namespace metalaudio::apps {
namespace fs = std::filesystem;
namespace {

/// -1 where there is none.
std::int64_t size_of(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  return error ? -1 : static_cast<std::int64_t>(size);
}

/// JSON holds UTF-8 alone, and file names any bytes.
std::string key_of(const std::string& output) {
  try {
    (void)nlohmann::json(output).dump();
    return output;
  } catch (const nlohmann::json::type_error&) {
    std::string key;
    for (const char c : output) {
      const auto byte = static_cast<unsigned char>(c);
      key += byte < 0x80 ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
    return key;
  }
}

}  // namespace

TrackRecord::TrackRecord(fs::path file) : file_(std::move(file)) {
  // Whatever else has its name is replaced, not waited for.
  std::error_code ignored;
  if (!fs::is_regular_file(file_, ignored)) return;
  std::ifstream stream(file_, std::ios::binary);
  const nlohmann::json json = nlohmann::json::parse(stream, nullptr, false);
  if (!json.is_object() || !json.contains("outputs") || !json.at("outputs").is_object()) return;
  for (const auto& [name, entry] : json.at("outputs").items())
    if (entry.is_object() && entry.contains("recipe") && entry.contains("bytes") &&
        entry.at("bytes").is_number_integer())
      outputs_[name] = entry;
}

fs::path TrackRecord::path(const std::string& output) const {
  return file_.parent_path().parent_path() / output;
}

bool TrackRecord::made(const std::string& output) const {
  const auto entry = outputs_.find(key_of(output));
  return entry != outputs_.end() && entry->at("bytes").get<std::int64_t>() == size_of(path(output));
}

bool TrackRecord::holds(const std::string& output, const nlohmann::json& recipe) const {
  return made(output) && outputs_.at(key_of(output)).at("recipe") == recipe;
}

void TrackRecord::set(const std::string& output, nlohmann::json recipe) {
  outputs_[key_of(output)] = {{"bytes", size_of(path(output))}, {"recipe", std::move(recipe)}};
}

void TrackRecord::erase(const std::string& output) { outputs_.erase(key_of(output)); }

void TrackRecord::save() const {
  const nlohmann::json json = {{"outputs", outputs_}};
  audio::OutputFile file(file_);
  file.write(std::as_bytes(std::span<const char>(
      json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n")));
  file.commit();
}

TrackRecord::Stamp TrackRecord::stamp() const {
  struct stat status {};
  if (::stat(file_.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

}  // namespace metalaudio::apps
