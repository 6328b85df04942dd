#include <metalaudio/audio/writing/audio_encoder.h>
#include <metalaudio/core/error.h>

namespace metalaudio::audio {

std::unique_ptr<AudioEncoder> make_ffmpeg_encoder(OutputFile& file,
                                                  const AudioWriterOptions& options) {
  const std::string_view ending = extension_of(options.type);
  fail(ErrorCode::unsupported,
       "[AudioWriter] {}: {} needs FFmpeg, which is not in this build; `ffmpeg -i song.wav "
       "song.{}` converts a WAV",
       file.target().string(), ending, ending);
}

}  // namespace metalaudio::audio
