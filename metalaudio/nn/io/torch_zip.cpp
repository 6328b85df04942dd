#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/torch_file.h>
#include <metalaudio/nn/io/torch_state.h>

#include <zip.h>

#include <cstring>
#include <memory>
#include <vector>

namespace metalaudio::nn {

namespace {

constexpr std::uint64_t kMaxPickleBytes = 16U << 20U;
constexpr std::uint64_t kMaxInflation = 64;  // all entries together against the file's size
constexpr std::uint64_t kFreeBytes = 1U << 20U;

/// The entries of an archive in memory, with a limit on all that is ever unpacked from it.
class Archive {
 public:
  explicit Archive(std::span<const std::byte> file)
      : budget_(kMaxInflation * file.size() + kFreeBytes) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* const source = zip_source_buffer_create(file.data(), file.size(), 0, &error);
    if (source != nullptr) archive_.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
    const std::string reason = archive_ ? "" : printable(zip_error_strerror(&error));
    if (!archive_ && source != nullptr) zip_source_free(source);
    zip_error_fini(&error);
    if (!archive_) fail(ErrorCode::invalid_data, "the zip archive is damaged: {}", reason);
    find_folder();
  }

  bool has(const std::string& name) const {
    return zip_name_locate(archive_.get(), (folder_ + name).c_str(), 0) >= 0;
  }

  /// The size of an entry once unpacked.
  std::uint64_t size(const std::string& name) const {
    zip_stat_t status;
    if (zip_stat(archive_.get(), (folder_ + name).c_str(), 0, &status) != 0 ||
        (status.valid & ZIP_STAT_SIZE) == 0) {
      fail(ErrorCode::invalid_data, "the zip archive lacks '{}'", printable(name));
    }
    return status.size;
  }

  /// Unpacks an entry into the buffer and checks its CRC.
  void read(const std::string& name, std::vector<std::byte>& buffer) {
    const std::uint64_t bytes = size(name);
    if (bytes > budget_) fail(ErrorCode::invalid_data, "the zip archive unpacks to far too much");
    budget_ -= bytes;
    buffer.resize(bytes);
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> entry(
        zip_fopen(archive_.get(), (folder_ + name).c_str(), 0), zip_fclose);
    if (!entry) {
      fail(ErrorCode::invalid_data, "'{}' in the zip archive: {}", printable(name),
           printable(zip_strerror(archive_.get())));
    }
    const zip_int64_t got = zip_fread(entry.get(), buffer.data(), bytes);
    std::byte more{};  // only the read at the end compares the CRC
    if (got != static_cast<zip_int64_t>(bytes) || zip_fread(entry.get(), &more, 1) != 0) {
      fail(ErrorCode::invalid_data, "'{}' in the zip archive is damaged: {}", printable(name),
           printable(zip_file_strerror(entry.get())));
    }
  }

 private:
  /// torch puts all entries in one folder, named after the file it wrote.
  void find_folder() {
    const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      const char* const name = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), 0);
      const char* const slash = name == nullptr ? nullptr : std::strchr(name, '/');
      if (slash == nullptr || std::strcmp(slash, "/data.pkl") != 0) continue;
      folder_.assign(name, slash + 1);
      return;
    }
    fail(ErrorCode::invalid_data, "a zip archive without data.pkl: not a torch checkpoint");
  }

  std::unique_ptr<zip_t, void (*)(zip_t*)> archive_{nullptr, zip_discard};
  std::string folder_;
  std::uint64_t budget_;
};

class ZipStorages : public StorageSource {
 public:
  explicit ZipStorages(Archive& archive) : archive_(archive) {}

  std::span<const std::byte> read(const StorageId& storage) override {
    const std::string name = "data/" + storage.key;
    const std::uint64_t bytes = archive_.size(name);
    const std::uint64_t each = size_of(storage.type);
    if (bytes % each != 0 || bytes / each != storage.count) {
      fail(ErrorCode::invalid_data, "'{}' has {} bytes, expected {} elements of {}",
           printable(name), bytes, storage.count, each);
    }
    archive_.read(name, buffer_);
    return buffer_;
  }

 private:
  Archive& archive_;
  std::vector<std::byte> buffer_;
};

}  // namespace

bool is_torch_zip(std::span<const std::byte> file) noexcept {
  return file.size() >= 4 && std::memcmp(file.data(), "PK\x03\x04", 4) == 0;
}

StateFile parse_torch_zip(std::span<const std::byte> file, const StateOptions& options) {
  Archive archive(file);
  if (archive.has("constants.pkl")) {
    fail(ErrorCode::unsupported, "a TorchScript program, not a checkpoint");
  }
  std::vector<std::byte> buffer;
  if (archive.has("byteorder")) {
    archive.read("byteorder", buffer);
    const std::string_view order(reinterpret_cast<const char*>(buffer.data()), buffer.size());
    if (order != "little") fail(ErrorCode::unsupported, "it is stored in big-endian order");
  }
  if (archive.size("data.pkl") > kMaxPickleBytes) {
    fail(ErrorCode::invalid_data, "data.pkl has {} bytes", archive.size("data.pkl"));
  }
  archive.read("data.pkl", buffer);
  const Pickle pickle = parse_pickle(buffer);
  ZipStorages storages(archive);
  return build_state(pickle, storages, options);
}

}  // namespace metalaudio::nn
