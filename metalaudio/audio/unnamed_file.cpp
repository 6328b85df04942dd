#include <fcntl.h>
#include <metalaudio/audio/unnamed_file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace metalaudio::audio {

namespace {

int open_in(const std::string& folder) {
  const int unnamed = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (unnamed >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return unnamed;
  std::string name = folder + "/metalaudio-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

std::vector<std::string> temporary_folders(const std::string& beside) {
  const char* chosen = std::getenv("TMPDIR");
  if (chosen != nullptr && *chosen != '\0') return {chosen};
  std::vector<std::string> folders = {"/var/tmp", "/tmp"};
  if (!beside.empty()) folders.push_back(beside);
  folders.emplace_back(".");
  return folders;
}

UnnamedFile open_unnamed_file(std::span<const std::string> folders) {
  int reason = ENOENT;
  for (const std::string& folder : folders) {
    const int file = open_in(folder);
    if (file >= 0) return {file, folder};
    if (&folder == folders.data()) reason = errno;
  }
  errno = reason;
  return {-1, folders.empty() ? std::string() : folders.front()};
}

}  // namespace metalaudio::audio
