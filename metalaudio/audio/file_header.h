#pragma once

#include <filesystem>

namespace metalaudio::audio {

enum class DecoderLibrary { sndfile, ffmpeg };

/// Looks at a file's first bytes and says which library is to read it. FFmpeg takes MPEG audio,
/// since libsndfile's decoder for it writes warnings to the terminal, and WAV files whose length
/// was never filled in, which libsndfile takes for empty.
/// Errors:   Error{invalid_data} where the header of a WAV, RF64 or AIFF file promises more samples
///           than there are, which decoders pass over in silence. The usual marks for "unknown"
///           promise nothing.
DecoderLibrary inspect_header(const std::filesystem::path& path);

}  // namespace metalaudio::audio
