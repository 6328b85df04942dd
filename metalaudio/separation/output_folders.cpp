#include <fcntl.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/output_folders.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace metalaudio::separation {
namespace fs = std::filesystem;
namespace {

int open_folder(const fs::path& folder) {
  return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool is_removed(int folder) {
  struct stat status {};
  return ::fstat(folder, &status) == 0 && status.st_nlink == 0;
}

void remove_unless_used(const fs::path& folder) {
  const int file = open_folder(folder);
  const bool used = ::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  // It leaves a folder that is not empty.
  if (!used) ::rmdir(folder.c_str());
  if (file >= 0) ::close(file);
}

}  // namespace

OutputFolders::~OutputFolders() {
  for (const auto& [folder, file] : used_) ::close(file);
  for (auto it = made_.rbegin(); it != made_.rend(); ++it) remove_unless_used(*it);
}

void OutputFolders::make_for(const fs::path& file) {
  const fs::path folder = file.parent_path();
  if (folder.empty() || used_.contains(folder)) return;
  // Another instance may remove what it made before this one uses it.
  constexpr int kAttempts = 100;
  for (int attempt = 1;; ++attempt) {
    try {
      make(folder);
      if (use(folder)) return;
    } catch (const fs::filesystem_error& error) {
      if (attempt < kAttempts && error.code() == std::errc::no_such_file_or_directory) continue;
      fail(ErrorCode::io, "{}: cannot make the folder {}: {}", file.string(),
           error.path1().string(), error.code().message());
    }
  }
}

void OutputFolders::make(const fs::path& folder) {
  if (folder.empty() || fs::is_directory(folder)) return;
  make(folder.parent_path());
  if (fs::create_directory(folder)) made_.push_back(folder);
}

/// Whether the folder stays from here on. One that cannot be read or locked is taken as it is.
bool OutputFolders::use(const fs::path& folder) {
  const int file = open_folder(folder);
  if (file < 0) return errno != ENOENT;
  ::flock(file, LOCK_SH);
  if (is_removed(file)) {
    ::close(file);
    return false;
  }
  used_.emplace(folder, file);
  return true;
}

}  // namespace metalaudio::separation
