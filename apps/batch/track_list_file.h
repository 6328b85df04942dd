#pragma once

#include <filesystem>
#include <vector>

namespace metalaudio::apps {

/// The paths in a list: one a line, as it stands, or a line of JSON that begins with a brace or a
/// quotation mark: {"path": "song.mp3"}, {"track": …} as a manifest has it, or "song.mp3". Empty
/// lines are passed by, and so is a path that was there before. "-" is standard input.
/// Errors:   throws Error{not_found, io, invalid_data} naming the list, and the line.
std::vector<std::filesystem::path> read_track_list(const std::filesystem::path& list);

}  // namespace metalaudio::apps
