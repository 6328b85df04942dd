#pragma once

#include <filesystem>
#include <vector>

namespace metalaudio::apps {

/// The paths in a list, which may come through a pipe; "-" is standard input: one a line, as it
/// stands, or a line of JSON that begins with a brace or a quotation mark: {"path": "song.mp3"},
/// {"track": …} as a manifest has it, or "song.mp3". Empty lines are passed by, and so is a path
/// that was there before. A playlist, .m3u or .m3u8, has no JSON but comments, which begin with #,
/// addresses (file:///…), and relative paths that start at its folder; without that name it is
/// known by its first line, #EXTM3U.
/// Errors:   throws Error{not_found, io, invalid_data} naming the list, and the line;
///           Error{cancelled} after a signal.
std::vector<std::filesystem::path> read_track_list(const std::filesystem::path& list);

}  // namespace metalaudio::apps
