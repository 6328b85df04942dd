#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace metalaudio::audio {

/// A cover, or another picture.
struct Picture {
  static constexpr int kFrontCover = 3;

  std::string bytes;          ///< of the picture's file
  std::string mime_type;      ///< "image/jpeg", as its first bytes have it
  std::string description{};  ///< UTF-8
  int kind = kFrontCover;     ///< as ID3v2 and FLAC number them
};

/// What a file says of its music.
struct Tags {
  static constexpr std::size_t kMostTextBytes = std::size_t{8} << 20;
  /// Of one picture: FLAC's blocks end at 16 MiB.
  static constexpr std::size_t kMostPictureBytes = (std::size_t{16} << 20) - 4096;
  static constexpr std::size_t kMostPicturesBytes = std::size_t{64} << 20;

  /// Values in UTF-8, by the names that TagLib has for all kinds of file: TITLE, ARTIST, ALBUM,
  /// ALBUMARTIST, TRACKNUMBER, DATE, GENRE, COMMENT …, and any other in capitals.
  std::map<std::string, std::vector<std::string>> texts{};
  std::vector<Picture> pictures{};

  bool empty() const noexcept { return texts.empty() && pictures.empty(); }
};

/// The tags of a file, whatever its kind (ID3, Vorbis comments, MP4, RIFF's INFO, APE, ASF; in
/// builds with FFmpeg also Matroska, CAF, QuickTime and what else it reads), less those that tell
/// of the file and not of the music, and would be wrong in another one: loudness (ReplayGain and
/// the like), the encoder and its delay, lengths and fingerprints. A file without tags, or of a
/// kind without, gives none. Text without a stated encoding is UTF-8 where it can be, otherwise
/// Latin-1. What is no picture, or is beyond the limits, is left out, with a line in `warnings`.
/// Errors:   none but Error{out_of_memory}: what cannot be read is no tag.
/// Threads:  any.
Tags read_tags(const std::filesystem::path& path, std::vector<std::string>& warnings);

}  // namespace metalaudio::audio
