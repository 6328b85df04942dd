#pragma once

#include <filesystem>
#include <mutex>
#include <string_view>

namespace metalaudio::apps {

/// A file of lines that several processes append to: a line is there whole, or not at all.
/// Errors:   throws Error{io} naming the file: the constructor where it cannot be opened, append
///           where the disk is full; then the lines before stay as they are.
/// Threads:  any.
class Manifest {
 public:
  explicit Manifest(std::filesystem::path path);
  ~Manifest();
  Manifest(const Manifest&) = delete;
  Manifest& operator=(const Manifest&) = delete;

  void append(std::string_view line);

 private:
  const std::filesystem::path path_;
  std::mutex mutex_;
  int file_ = -1;
};

}  // namespace metalaudio::apps
