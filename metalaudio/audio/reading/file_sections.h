#pragma once

#include <metalaudio/audio/reading/file_section.h>
#include <metalaudio/audio/reading/read_log.h>

#include <optional>
#include <string_view>
#include <vector>

namespace metalaudio::audio {

using FileSections = std::vector<FileSection>;

/// The parts of a file that hold sound, one after the other; decoders trust what a header states,
/// and this looks whether the rest of the file agrees. Each of WAV, RF64, W64 and AIFF's samples
/// gets a plain header before it, with the length that the chunks leave; each link of a chained Ogg
/// and each of joined FLAC or MP3 files is a part, FLAC without the tags of other formats behind
/// it; any other file is one.
/// Errors:   Error{invalid_data} for a file that ends early, as ReadLog, or has no channels.
FileSections find_sections(FileBytes& file, ReadLog& log);

/// As find_sections for one kind of file; none where `file` is of another.
std::optional<FileSections> wave_sections(FileBytes& file, ReadLog& log);
std::optional<FileSections> aiff_sections(FileBytes& file, ReadLog& log);
std::optional<FileSections> ogg_sections(FileBytes& file, ReadLog& log);
std::optional<FileSections> flac_sections(FileBytes& file, ReadLog& log);
std::optional<FileSections> mp3_sections(FileBytes& file, ReadLog& log);

/// The bytes of an ID3v2 tag that starts here; 0 for none.
std::int64_t id3v2_bytes(FileBytes& file, std::int64_t place);

}  // namespace metalaudio::audio
