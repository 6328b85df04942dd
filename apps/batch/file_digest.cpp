#include "apps/batch/file_digest.h"

#include <metalaudio/core/error.h>
#include <metalaudio/repository/sha256.h>
#include <sys/stat.h>

namespace metalaudio::apps {

FileStamp stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

FileDigest::FileDigest(std::filesystem::path file)
    : file_(std::move(file)), stamp_(stamp_of(file_)) {}

void FileDigest::check() const {
  if (stamp_of(file_) != stamp_)
    fail(ErrorCode::io, "{} was changed while it was worked on", file_.string());
}

std::string FileDigest::sha256() const {
  check();  // one that is gone is no other trouble
  std::string digest = repository::sha256_of_file(file_);
  check();
  return digest;
}

}  // namespace metalaudio::apps
