#include "apps/pending_files.h"

#include <fcntl.h>
#include <metalaudio/core/error.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>

namespace metalaudio::apps {
namespace fs = std::filesystem;
namespace {

// One track must not remove a folder between another's making it and putting a file into it.
std::mutex& folders_mutex() {
  static std::mutex mutex;
  return mutex;
}

fs::path temporary_beside(const fs::path& final_path) {
  static std::atomic<unsigned> count{0};
  const std::string name =
      fmt::format(".{}.{}-{}.part", final_path.filename().string(), ::getpid(), count++);
  return final_path.parent_path() / name;
}

}  // namespace

PendingFiles::~PendingFiles() {
  const std::lock_guard lock(folders_mutex());
  std::error_code ignored;
  for (const File& file : files_) fs::remove(file.temporary, ignored);
  // remove() leaves a folder that is not empty.
  for (auto it = folders_.rbegin(); it != folders_.rend(); ++it) fs::remove(*it, ignored);
}

void PendingFiles::make_folders(const fs::path& folder) {
  if (folder.empty() || fs::exists(folder)) return;
  make_folders(folder.parent_path());
  if (fs::create_directory(folder)) folders_.push_back(folder);
}

fs::path PendingFiles::add(const fs::path& final_path) {
  const std::lock_guard lock(folders_mutex());
  const std::string shown = final_path.string();
  try {
    make_folders(final_path.parent_path());
  } catch (const fs::filesystem_error& error) {
    fail(ErrorCode::io, "cannot write {}: {}: {}", shown, error.path1().string(),
         error.code().message());
  }
  // A rename would replace a device or a folder by a file.
  std::error_code ignored;
  if (fs::exists(final_path, ignored) && !fs::is_regular_file(final_path, ignored))
    fail(ErrorCode::io, "cannot write {}: it is not a file", shown);
  const fs::path temporary = temporary_beside(final_path);
  const int file = ::open(temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (file < 0) fail(ErrorCode::io, "cannot write {}: {}", shown, std::strerror(errno));
  ::close(file);
  files_.push_back({temporary, final_path});
  return temporary;
}

void PendingFiles::commit() {
  const std::lock_guard lock(folders_mutex());
  for (const File& file : files_) {
    std::error_code error;
    fs::rename(file.temporary, file.final_path, error);
    if (error)
      fail(ErrorCode::io, "cannot write {}: {}", file.final_path.string(), error.message());
  }
  files_.clear();
  folders_.clear();
}

}  // namespace metalaudio::apps
