#include <fmt/format.h>
#include <metalaudio/core/pipelines/disk_cache.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>

namespace metalaudio {

namespace {

constexpr std::array<char, 8> kMagic{'m', 'a', 'p', 'i', 'p', 'e', '0', '1'};
constexpr std::uint64_t kMostBytes = std::uint64_t{256} << 20U;

/// FNV-1a: tells damage and spreads names; two keys of one name are told apart by the key itself.
std::uint64_t hash(std::string_view bytes, std::uint64_t state = 0xcbf29ce484222325U) {
  for (const char byte : bytes) {
    state = (state ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  }
  return state;
}

/// Before the key and the bytes.
struct Head {
  std::array<char, 8> magic = kMagic;
  std::uint64_t key_bytes = 0;
  std::uint64_t value_bytes = 0;
  std::uint64_t value_hash = 0;
};

std::optional<std::string> read(std::istream& file, std::uint64_t bytes) {
  if (bytes > kMostBytes) return std::nullopt;
  std::string text(bytes, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(bytes))) return std::nullopt;
  return text;
}

std::filesystem::path absolute_folder(const char* variable) {
  const char* const value = std::getenv(variable);
  std::filesystem::path folder = value == nullptr ? "" : value;
  // The XDG specification has relative ones ignored.
  return folder.is_absolute() ? folder : std::filesystem::path();
}

}  // namespace

std::filesystem::path DiskCache::default_folder() {
  std::filesystem::path cache = absolute_folder("XDG_CACHE_HOME");
  if (cache.empty()) {
    const std::filesystem::path home = absolute_folder("HOME");
    if (home.empty()) return {};
    cache = home / ".cache";
  }
  return cache / "metalaudio" / "pipelines";
}

std::filesystem::path DiskCache::file_of(std::string_view key) const {
  const std::uint64_t first = hash(key);
  return folder_ / fmt::format("{:016x}{:016x}", first, hash(key, ~first));
}

std::optional<std::string> DiskCache::load(std::string_view key) const {
  if (folder_.empty()) return std::nullopt;
  try {
    const std::filesystem::path path = file_of(key);
    if (!std::filesystem::is_regular_file(path)) return std::nullopt;
    std::ifstream file(path, std::ios::binary);
    const auto bytes = read(file, sizeof(Head));
    if (!bytes) return std::nullopt;
    Head head;
    std::memcpy(&head, bytes->data(), sizeof(Head));
    if (head.magic != kMagic || head.key_bytes != key.size()) return std::nullopt;
    if (read(file, head.key_bytes) != key) return std::nullopt;
    auto value = read(file, head.value_bytes);
    if (!value || hash(*value) != head.value_hash || file.peek() != EOF) return std::nullopt;
    return value;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void DiskCache::store(std::string_view key, std::string_view bytes) const {
  if (folder_.empty() || bytes.size() > kMostBytes) return;
  static std::atomic<unsigned> counter{0};
  try {
    const std::filesystem::path file = file_of(key);
    std::filesystem::path part = file;
    part += fmt::format(".{}.{}.part", ::getpid(), counter.fetch_add(1));
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    std::ofstream stream(part, std::ios::binary);
    const Head head{
        .key_bytes = key.size(), .value_bytes = bytes.size(), .value_hash = hash(bytes)};
    stream.write(reinterpret_cast<const char*>(&head), sizeof(Head));
    stream.write(key.data(), static_cast<std::streamsize>(key.size()));
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    stream.close();
    if (stream) std::filesystem::rename(part, file, error);
    if (!stream || error) std::filesystem::remove(part, error);
  } catch (const std::exception&) {
    return;  // the next process compiles again
  }
}

}  // namespace metalaudio
