#pragma once

#include <metalaudio/audio/audio_format.h>
#include <metalaudio/core/audio_buffer.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace metalaudio::audio {

class AudioDecoder;

/// Decodes an audio file block by block: WAV, AIFF, FLAC, Ogg, Opus and their kin through
/// libsndfile; MP3 and what that does not know (M4A, WMA, the first sound track of a video) through
/// FFmpeg, whose log it silences for the whole process. Integers become floats as x / 2^(bits - 1).
/// A bare MPEG stream may begin within a frame and hold tags: what is no frame is passed over.
/// Errors:   one line that names the file and the reason. The constructor throws Error{not_found},
///           Error{io} where it may not be read, Error{invalid_data} for what is no audio, has no
///           channel or is shorter than its header promises, Error{unsupported} for more than
///           kMaxChannels or a rate beyond [kMinRateHz, kMaxRateHz]. read throws
///           Error{invalid_data} for a damaged or early end and for samples that are not finite.
/// Threads:  one instance per thread.
class AudioReader {
 public:
  static constexpr std::size_t kMaxChannels = 32;
  static constexpr int kMinRateHz = 1000;
  static constexpr int kMaxRateHz = 768000;

  explicit AudioReader(std::filesystem::path path);
  ~AudioReader();
  AudioReader(AudioReader&&) noexcept;
  AudioReader& operator=(AudioReader&&) noexcept;

  const AudioFormat& format() const noexcept;

  /// Fills the block from its first frame on, whose channels are the file's. Returns the frames
  /// read: fewer than the block holds only at the end, then 0.
  std::size_t read(AudioBuffer& block);

  /// Goes back to the first frame.
  void rewind();

 private:
  void check_finite(const AudioBuffer& block, std::size_t frames) const;

  std::filesystem::path path_;
  std::unique_ptr<AudioDecoder> decoder_;
  std::vector<float> interleaved_;
  std::int64_t position_ = 0;
};

}  // namespace metalaudio::audio
