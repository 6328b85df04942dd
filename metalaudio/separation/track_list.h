#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace metalaudio::separation {

/// One input file. The name of a file found in a folder keeps the path below that folder, so that
/// albums do not overwrite each other.
struct Track {
  std::filesystem::path path;
  std::string name;       ///< "song" of "song.mp3"
  std::string extension;  ///< "mp3"; the whole name when it has no dot, as upstream has it
  std::string folder;     ///< the name of the folder that the file lies in
  std::string problem{};  ///< why it cannot be read; empty: nothing is known against it
};

/// The files given, and those with an audio extension below the folders given, each folder sorted.
/// Hidden files are left out, and so are the folders `excluded` (where stems are written) unless
/// they are given themselves. What cannot be read (a folder that is closed or empty of audio, a
/// link that leads nowhere or back, a pipe or a device) is in the list with its problem, and so
/// does not stop the others. A file that does not exist stays in it: whoever opens it reports it.
std::vector<Track> list_tracks(const std::vector<std::filesystem::path>& inputs,
                               const std::vector<std::filesystem::path>& excluded);

/// Whether the name ends like an audio file's; letter case does not matter.
bool has_audio_extension(const std::filesystem::path& path);

}  // namespace metalaudio::separation
