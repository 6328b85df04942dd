#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace metalaudio::apps {

/// One input file. The name of a file found in a folder keeps the path below that folder, so that
/// albums do not overwrite each other.
struct Track {
  std::filesystem::path path;
  std::string name;       ///< "song" of "song.mp3"
  std::string extension;  ///< "mp3"; the whole name when it has no dot, as upstream has it
};

/// The files given, and those with an audio extension below the folders given, each folder sorted.
/// Hidden files are left out, and so is whatever lies below `excluded` (where stems are written).
/// A file that does not exist stays in the list: whoever opens it reports it.
/// Errors:   throws Error{not_found} naming a folder without audio files, Error{io} for one that
/// cannot
///           be read.
std::vector<Track> list_tracks(const std::vector<std::filesystem::path>& inputs,
                               const std::filesystem::path& excluded);

/// Whether the name ends like an audio file's; letter case does not matter.
bool has_audio_extension(const std::filesystem::path& path);

}  // namespace metalaudio::apps
