#include <metalaudio/audio/reading/audio_decoder.h>

namespace metalaudio::audio {

bool has_ffmpeg() noexcept { return false; }

/// Where FFmpeg is not built in, libsndfile is asked alone.
std::unique_ptr<AudioDecoder> open_with_ffmpeg(const FileSection&, ReadLog& log,
                                               std::string& reason) {
  reason = "this build reads WAV, AIFF, FLAC, Ogg and MP3 alone; `ffmpeg -i " + log.file() +
           " song.wav` converts it, and the program metalaudio reads it as it is";
  return nullptr;
}

}  // namespace metalaudio::audio
