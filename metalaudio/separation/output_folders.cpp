#include <metalaudio/core/error.h>
#include <metalaudio/separation/output_folders.h>

#include <system_error>

namespace metalaudio::separation {
namespace fs = std::filesystem;

OutputFolders::~OutputFolders() {
  std::error_code ignored;
  // remove() leaves a folder that is not empty.
  for (auto it = made_.rbegin(); it != made_.rend(); ++it) fs::remove(*it, ignored);
}

void OutputFolders::make_for(const fs::path& file) {
  try {
    make(file.parent_path());
  } catch (const fs::filesystem_error& error) {
    fail(ErrorCode::io, "{}: cannot make the folder {}: {}", file.string(), error.path1().string(),
         error.code().message());
  }
}

void OutputFolders::make(const fs::path& folder) {
  if (folder.empty() || fs::is_directory(folder)) return;
  make(folder.parent_path());
  if (fs::create_directory(folder)) made_.push_back(folder);
}

}  // namespace metalaudio::separation
