#pragma once

#include <metalaudio/audio/audio_format.h>
#include <metalaudio/core/audio_view.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace metalaudio::audio {

struct ReadOptions {
  bool allow_truncated = false;  ///< a file that ends early is a warning, not an error
  /// What one channel at a file's beginning becomes: with 2, nothing is lost where the file goes on
  /// with two.
  std::size_t channels_for_mono = 1;
};

/// Decodes an audio file block by block through FFmpeg, whose log it silences for the whole
/// process, and through libsndfile what FFmpeg does not know, or everything in a build without it
/// (WAV, AIFF, FLAC, Ogg of one or two channels, MP3, and what else it knows). Only decoded frames count: a stated
/// length is never believed, and all parts of a file are read, one after the other. Channels come
/// in WAVE's order. Of several sound tracks it takes the one marked default, otherwise the first.
/// The file's first frame decides the format; parts of another rate or other channels are brought
/// to it. Integers become floats as x / 2^(bits - 1).
/// Errors:   one line that names the file and the reason. The constructor throws Error{not_found},
///           Error{io} where it may not be read, Error{invalid_data} for what is no audio, has no
///           channel or not a single frame, Error{unsupported} for more than kMaxChannels or a rate
///           beyond [kMinRateHz, kMaxRateHz]. It and read throw Error{invalid_data} for damage, for
///           a file that ends early (unless that is allowed) and for samples that are not finite.
/// Threads:  one instance per thread.
class AudioReader {
 public:
  static constexpr std::size_t kMaxChannels = 32;
  static constexpr int kMinRateHz = 1000;
  static constexpr int kMaxRateHz = 768000;

  explicit AudioReader(std::filesystem::path path, const ReadOptions& options = {});
  ~AudioReader();
  AudioReader(AudioReader&&) noexcept;
  AudioReader& operator=(AudioReader&&) noexcept;

  const AudioFormat& format() const noexcept;

  /// Fills the block from its first frame on, whose channels are the reader's. Returns the frames
  /// read: fewer than the block holds only at the end, then 0.
  std::size_t read(AudioView block);

  /// Goes back to the first frame.
  void rewind();

  /// What was odd about the file up to here, each thing once and without the file's name; complete
  /// at the end.
  const std::vector<std::string>& warnings() const noexcept;

 private:
  class Parts;

  void check_finite(ConstAudioView block) const;

  std::filesystem::path path_;
  ReadOptions options_;
  std::unique_ptr<Parts> parts_;
  std::int64_t position_ = 0;
};

}  // namespace metalaudio::audio
