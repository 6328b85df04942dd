#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/torch_file.h>
#include <metalaudio/nn/io/torch_state.h>

#include <fcntl.h>
#include <unistd.h>
#include <zip.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace metalaudio::nn {

namespace {

constexpr std::uint64_t kMaxPickleBytes = 16U << 20U;
constexpr std::uint64_t kMaxInflation = 64;  // all entries together against the file's size
constexpr std::uint64_t kFreeBytes = 1U << 20U;

class ZipError {
 public:
  ZipError() { zip_error_init(&error_); }
  explicit ZipError(int code) { zip_error_init_with_code(&error_, code); }
  ~ZipError() { zip_error_fini(&error_); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;

  zip_error_t* get() noexcept { return &error_; }
  [[noreturn]] void throw_it() {
    fail(ErrorCode::invalid_data, "the zip archive is damaged: {}",
         printable(zip_error_strerror(&error_)));
  }

 private:
  zip_error_t error_;
};

/// The entries of an archive, with a limit on all that is ever unpacked from it.
class Archive {
 public:
  explicit Archive(std::span<const std::byte> file)
      : budget_(kMaxInflation * file.size() + kFreeBytes) {
    ZipError error;
    zip_source_t* const source = zip_source_buffer_create(file.data(), file.size(), 0, error.get());
    if (source != nullptr) archive_.reset(zip_open_from_source(source, ZIP_RDONLY, error.get()));
    if (!archive_ && source != nullptr) zip_source_free(source);
    if (!archive_) error.throw_it();
    find_folder();
  }

  /// In a file, of which it reads what it is asked for.
  explicit Archive(const FileReader& file) : budget_(kMaxInflation * file.size() + kFreeBytes) {
    const int copy = ::fcntl(file.descriptor(), F_DUPFD_CLOEXEC, 0);
    if (copy < 0) fail(ErrorCode::io, "{}", std::strerror(errno));
    int code = 0;
    archive_.reset(zip_fdopen(copy, 0, &code));
    if (!archive_) {
      ::close(copy);
      ZipError(code).throw_it();
    }
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
    if (!unpacked_.contains(name)) {
      if (bytes > budget_) fail(ErrorCode::invalid_data, "the zip archive unpacks to far too much");
      budget_ -= bytes;
      unpacked_.insert(name);
    }
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
  std::set<std::string> unpacked_;  ///< what the budget has paid for
};

class ZipStorages : public StorageSource {
 public:
  /// The file, if it is one, tells whether it has been changed.
  ZipStorages(Archive archive, std::shared_ptr<const FileReader> file)
      : archive_(std::move(archive)), file_(std::move(file)) {}

  std::span<const std::byte> read(const StorageId& storage) override {
    const std::string name = "data/" + storage.key;
    const std::uint64_t bytes = archive_.size(name);
    const std::uint64_t each = size_of(storage.type);
    if (bytes % each != 0 || bytes / each != storage.count) {
      fail(ErrorCode::invalid_data, "'{}' has {} bytes, expected {} elements of {}",
           printable(name), bytes, storage.count, each);
    }
    if (file_) file_->read(0, {});
    archive_.read(name, buffer_);
    return buffer_;
  }

 private:
  Archive archive_;
  std::shared_ptr<const FileReader> file_;
  std::vector<std::byte> buffer_;
};

}  // namespace

bool is_torch_zip(std::span<const std::byte> file) noexcept {
  return file.size() >= 4 && std::memcmp(file.data(), "PK\x03\x04", 4) == 0;
}

namespace {

StoredState open(Archive archive, std::shared_ptr<const FileReader> file) {
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
  return stored_state(pickle, std::make_shared<ZipStorages>(std::move(archive), std::move(file)));
}

}  // namespace

StoredState open_torch_zip(const std::shared_ptr<const FileReader>& file) {
  return open(Archive(*file), file);
}

StateFile parse_torch_zip(std::span<const std::byte> file, const StateOptions& options) {
  return read_all(open(Archive(file), nullptr), options);
}

}  // namespace metalaudio::nn
