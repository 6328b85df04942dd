#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace metalaudio::audio {

/// What this stands for as a target: standard output, also where that is a pipe.
inline constexpr const char* kStandardOutput = "/dev/stdout";

/// A file that appears whole or not at all: it is written under a temporary name beside its target
/// and takes the target's place in commit(). Without commit() it is removed. To standard output it
/// is copied in commit(), from a file without a name.
/// Errors:   one line that names the target and the reason, as Error{io}: the constructor where the
///           folder does not let it write or the target is no regular file, write and commit where
///           the disk is full. What fails once fails in commit(). Error{cancelled} where nobody
///           reads standard output any more.
/// Threads:  one instance per thread.
class OutputFile {
 public:
  explicit OutputFile(std::filesystem::path target);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes);
  /// As write, for callers that exceptions may not pass: the failure waits for check().
  bool try_write(std::span<const std::byte> bytes) noexcept;
  /// Throws what try_write kept.
  void check() const;

  /// The next write goes to this place, as for a header that is known last.
  void seek(std::int64_t position) noexcept { position_ = position; }
  std::int64_t position() const noexcept { return position_; }
  std::int64_t size() const noexcept { return size_; }
  /// Cuts the file, as for tags that became shorter.
  void truncate(std::int64_t size) noexcept;
  /// Fills bytes from the present place; for encoders that read back what they wrote.
  std::size_t read(std::span<std::byte> bytes) noexcept;

  void commit();
  bool is_standard_output() const noexcept { return temporary_.empty(); }
  const std::filesystem::path& target() const noexcept { return target_; }

 private:
  void copy_to_standard_output();

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int file_ = -1;
  std::int64_t position_ = 0;
  std::int64_t size_ = 0;
  int failure_ = 0;  // the first errno
};

/// Removes what processes that were killed left in a folder: temporary files of an OutputFile whose
/// writer lives no more, on whatever machine. Where the file system has no locks, none.
void remove_abandoned_parts(const std::filesystem::path& folder);

}  // namespace metalaudio::audio
