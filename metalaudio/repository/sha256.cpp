#include <metalaudio/core/error.h>
#include <metalaudio/repository/sha256.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace metalaudio::repository {

namespace {

/// A file as it was when its digest was taken.
struct Version {
  dev_t device;
  ino_t inode;
  off_t size;
  std::int64_t written;
  std::int64_t changed;

  friend auto operator<=>(const Version&, const Version&) = default;
};

/// Nothing of a file that may still be written to without its times telling.
std::optional<Version> version_of(const std::filesystem::path& path) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  struct stat status {};
  timespec now{};
  if (::stat(path.c_str(), &status) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0)
    return std::nullopt;
  const auto nanoseconds = [](const timespec& time) {
    return time.tv_sec * kSecond + time.tv_nsec;
  };
  const Version version{status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
                        nanoseconds(status.st_ctim)};
  const std::int64_t latest = std::max(version.written, version.changed);
  return nanoseconds(now) - latest > 2 * kSecond ? std::optional(version) : std::nullopt;
}

std::string digest_of(const std::filesystem::path& path) {
  // A named pipe would be waited for, and a device may never end.
  std::error_code ignored;
  if (const auto status = std::filesystem::status(path, ignored);
      std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    fail(ErrorCode::io, "[sha256_of_file] {}: not a regular file", path.string());
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    fail(std::filesystem::exists(path) ? ErrorCode::io : ErrorCode::not_found,
         "[sha256_of_file] {}: cannot be opened", path.string());
  }
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::vector<char> block(1U << 20U);
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    EVP_DigestUpdate(context.get(), block.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof()) fail(ErrorCode::io, "[sha256_of_file] {}: reading failed", path.string());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int bytes = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &bytes);
  std::string hex;
  for (const unsigned char byte : std::span(digest).first(bytes)) {
    hex += fmt::format("{:02x}", byte);
  }
  return hex;
}

}  // namespace

std::string sha256_of_file(const std::filesystem::path& path) {
  static std::mutex mutex;
  static std::map<Version, std::string> known;
  const std::optional<Version> version = version_of(path);
  if (version) {
    const std::lock_guard lock(mutex);
    if (const auto found = known.find(*version); found != known.end()) return found->second;
  }
  std::string digest = digest_of(path);
  if (version && version_of(path) == version) {
    const std::lock_guard lock(mutex);
    known.emplace(*version, digest);
  }
  return digest;
}

}  // namespace metalaudio::repository
