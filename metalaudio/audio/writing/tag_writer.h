#pragma once

#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/audio/output_file.h>
#include <metalaudio/audio/tags.h>

namespace metalaudio::audio {

/// Puts tags into a file that is whole but for them: into WAV an INFO list and an ID3 chunk behind
/// the samples, into FLAC and Ogg Vorbis comments and pictures, before MP3 an ID3v2.3
/// tag, into M4A iTunes' list.
/// Errors:   throws Error{io} where the disk refuses.
void write_tags(OutputFile& file, FileType type, const Tags& tags);

}  // namespace metalaudio::audio
