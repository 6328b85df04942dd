#pragma once

#include <metalaudio/core/audio_view.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace metalaudio::audio {

enum class FileType { wav, flac, mp3 };
enum class SampleFormat { pcm16, pcm24, float32 };

/// How samples become integers.
enum class Rounding {
  towards_zero,  ///< x * (2^(bits - 1) - 1): the samples that upstream demucs 4.1 writes
  nearest,       ///< x * 2^(bits - 1): what was read from a file of as many bits passes unchanged
  dithered,      ///< as nearest, after triangular noise of up to one step either way
};

/// The type that a file name's ending stands for, as in "a.flac"; none for other endings.
std::optional<FileType> file_type_of(const std::filesystem::path& path);
/// "wav", "flac" or "mp3".
std::string_view extension_of(FileType type) noexcept;

struct AudioWriterOptions {
  int sample_rate_hz = 44100;
  std::size_t channels = 2;
  /// The speakers, as AudioFormat's; 0: the usual ones. WAV states them where there are more than
  /// two channels; in FLAC they follow from the number of channels.
  std::uint32_t channel_mask = 0;
  FileType type = FileType::wav;
  SampleFormat sample_format = SampleFormat::pcm16;  ///< float32 is for WAV alone; MP3 takes any
  Rounding rounding = Rounding::towards_zero;        ///< of integers, and of what MP3 is made from
  int mp3_bitrate_kbps = 320;
  int mp3_preset = 2;  ///< LAME's quality, 2 (best) to 7 (fastest)
  /// The length, or an estimate within half of it. A WAV file above 4 GiB needs it, since it is an
  /// RF64 file from its first byte on; near that, room is left for either header.
  std::optional<std::int64_t> expected_frames = std::nullopt;
  bool may_be_long = false;  ///< nobody knows: room for either header in any case
};

class AudioEncoder;
class OutputFile;

/// Writes an audio file block by block; it appears under its name in close(), whole, or never.
/// Samples beyond ±1 are clamped for integers and MP3, which is encoded from 16 bits at a constant
/// bit rate. float32 is written as it is.
/// Errors:   Error{invalid_argument} for options outside their range; Error{unsupported} for what
///           the type cannot hold; Error{invalid_data} for samples that are not finite; Error{io}
///           with the file and the reason where the disk refuses.
/// Threads:  one instance per thread.
class AudioWriter {
 public:
  AudioWriter(const std::filesystem::path& path, const AudioWriterOptions& options);
  ~AudioWriter();
  AudioWriter(AudioWriter&&) noexcept;
  AudioWriter& operator=(AudioWriter&&) noexcept;

  void write(ConstAudioView block);
  /// Writes all that close() will show, for several files that are to appear together.
  void finish();
  /// The file is there after this; calls finish() first unless that was done. Without it nothing
  /// stays.
  void close();

 private:
  void write_chunk(ConstAudioView chunk);

  AudioWriterOptions options_;
  std::unique_ptr<OutputFile> file_;
  std::unique_ptr<AudioEncoder> encoder_;
  std::vector<float> interleaved_;
  std::int64_t position_ = 0;
};

}  // namespace metalaudio::audio
