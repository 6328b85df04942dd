#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace metalaudio::apps {

/// One process's right to write the stems of a track: a file with a lock, which the system lets go
/// of when the process ends in whatever way. The file says which outputs were begun that were not
/// there before, so that who takes over knows them for the dead process's.
/// Errors:   throws Error{io} where the file cannot be made or written.
/// Threads:  one instance per thread.
class TrackClaim {
 public:
  /// None while a living process, or another thread, holds it.
  static std::optional<TrackClaim> take(const std::filesystem::path& file);
  TrackClaim(TrackClaim&& other) noexcept;
  TrackClaim& operator=(TrackClaim&&) = delete;
  /// Lets go. The file stays where outputs that it names are there unfinished.
  ~TrackClaim();

  /// The outputs that a process which died had begun.
  const std::vector<std::string>& abandoned() const noexcept { return begun_; }
  bool taken_over() const noexcept { return taken_over_; }

  void begin(std::vector<std::string> outputs);
  /// All of them are there and recorded.
  void finish() noexcept { begun_.clear(); }

 private:
  TrackClaim() = default;
  void read();

  std::filesystem::path path_;
  int file_ = -1;
  bool taken_over_ = false;
  std::vector<std::string> begun_;  // paths, relative to the folder that `.metalaudio` lies in
};

}  // namespace metalaudio::apps
