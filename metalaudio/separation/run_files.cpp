#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/run_files.h>
#include <sys/stat.h>

#include <system_error>

namespace metalaudio::separation {
namespace fs = std::filesystem;
namespace {

/// Where a file will lie, however it is named.
fs::path place_of(const fs::path& path) {
  std::error_code error;
  const fs::path canonical = fs::weakly_canonical(path, error);
  return error ? fs::absolute(path).lexically_normal() : canonical;
}

}  // namespace

void RunFiles::add_input(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0)
    inputs_.emplace(FileId(status.st_dev, status.st_ino), file);
}

std::string RunFiles::problem(const fs::path& output) const {
  const std::string name = output.string();
  struct stat status {};
  if (!output.has_filename()) return fmt::format("{}: names no file", name);
  // Folders that are not there yet will be: "new/../song.wav" is song.wav.
  const fs::path place = place_of(output);
  if (::stat(place.c_str(), &status) != 0) {
    std::error_code ignored;
    return fs::is_symlink(place, ignored) ? fmt::format("{}: a link to nothing", name) : "";
  }
  if (S_ISDIR(status.st_mode)) return fmt::format("{}: is a folder", name);
  if (!S_ISREG(status.st_mode)) return fmt::format("{}: not a regular file", name);
  const auto input = inputs_.find(FileId(status.st_dev, status.st_ino));
  if (input == inputs_.end()) return "";
  return fmt::format("{} would overwrite the input {}", name, input->second.string());
}

std::string RunFiles::claim(const std::vector<fs::path>& outputs, const std::string& owner) {
  std::set<fs::path> places;
  for (const fs::path& output : outputs) {
    if (const std::string reason = problem(output); !reason.empty()) return reason;
    const fs::path place = place_of(output);
    if (const auto other = outputs_.find(place); other != outputs_.end())
      return fmt::format("{} would overwrite that of {}", output.string(), other->second);
    if (!places.insert(place).second)
      return fmt::format("two of its outputs would be {}", output.string());
  }
  for (const fs::path& place : places) outputs_.emplace(place, owner);
  return "";
}

void RunFiles::require(const std::string& option, const fs::path& output) {
  if (const std::string reason = claim({output}, option); !reason.empty())
    fail(ErrorCode::invalid_argument, "{} {}", option, reason);
  const fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
  std::error_code error;
  if (!fs::is_directory(folder, error))
    fail(ErrorCode::io, "{}: there is no folder {}", output.string(), folder.string());
}

std::string input_problem(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return "";
  return S_ISDIR(status.st_mode) ? "is a folder" : "not a regular file";
}

}  // namespace metalaudio::separation
