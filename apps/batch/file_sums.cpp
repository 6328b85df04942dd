#include "apps/batch/file_sums.h"

#include <metalaudio/repository/sha256.h>

namespace metalaudio::apps {

FileSums::FileSums(const std::vector<std::filesystem::path>& files) {
  for (const std::filesystem::path& file : files)
    if (!begun_.contains(file))
      begun_[file] = std::async(std::launch::async, repository::sha256_of_file, file);
}

std::string FileSums::of(const std::filesystem::path& file) const {
  const auto begun = begun_.find(file);
  if (begun == begun_.end()) return repository::sha256_of_file(file);
  return std::shared_future(begun->second).get();
}

}  // namespace metalaudio::apps
