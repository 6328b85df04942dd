#pragma once

#include <metalaudio/audio/tags.h>
#include <metalaudio/core/audio_view.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace metalaudio::audio {

/// Ogg holds Vorbis, M4A AAC or ALAC; a stem_m4a is a mix and its four stems in one file, as DJ
/// programs read it (NI Stems).
enum class FileType { wav, flac, mp3, ogg, opus, m4a, stem_m4a };
enum class SampleFormat { pcm16, pcm24, float32 };

/// How samples become integers.
enum class Rounding {
  towards_zero,  ///< x * (2^(bits - 1) - 1): the samples that upstream demucs 4.1 writes
  nearest,       ///< x * 2^(bits - 1): what was read from a file of as many bits passes unchanged
  dithered,      ///< as nearest, after triangular noise of up to one step either way
};

/// The type that a file name's ending stands for, as in "a.flac"; none for other endings.
std::optional<FileType> file_type_of(const std::filesystem::path& path);
/// "wav", "stem.m4a" …
std::string_view extension_of(FileType type) noexcept;
/// The endings that name one sound each, for messages.
inline constexpr std::string_view kFileEndings = ".wav, .flac, .mp3, .ogg, .opus or .m4a";

/// How a DJ program shows a stem.
struct StemLabel {
  std::string name;
  std::string color;  ///< "#RRGGBB"
};

struct AudioWriterOptions {
  int sample_rate_hz = 44100;
  std::size_t channels = 2;
  /// The speakers, as AudioFormat's; 0: the usual ones. WAV states them where there are more than
  /// two channels; in FLAC they follow from the number of channels.
  std::uint32_t channel_mask = 0;
  FileType type = FileType::wav;
  SampleFormat sample_format = SampleFormat::pcm16;  ///< float32 is for WAV; lossy codecs take any
  Rounding rounding = Rounding::towards_zero;        ///< of integers, and of what MP3 is made from
  int mp3_bitrate_kbps = 320;
  int mp3_preset = 2;  ///< LAME's quality, 2 (best) to 7 (fastest)
  /// Of Ogg, Opus and AAC, for all channels of a track; none: 128 for each channel, Opus 96, Ogg
  /// its quality 8, which is about as much.
  std::optional<int> bitrate_kbps = std::nullopt;
  bool lossless = false;  ///< M4A holds ALAC of the sample format's bits, not AAC
  /// Of a stem_m4a: four, and the channels are those of the mix and then of each stem.
  std::vector<StemLabel> stems{};
  /// The length, or an estimate within half of it. A WAV file above 4 GiB needs it, since it is an
  /// RF64 file from its first byte on; near that, room is left for either header.
  std::optional<std::int64_t> expected_frames = std::nullopt;
  bool may_be_long = false;  ///< nobody knows: room for either header in any case
  /// WAV takes them as an INFO list and as ID3, FLAC and Ogg as Vorbis comments, MP3 as ID3v2.3,
  /// M4A as iTunes has them.
  Tags tags{};
};

class AudioEncoder;
class OutputFile;

/// Writes an audio file block by block; it appears under its name in close(), whole, or never.
/// Samples beyond ±1 are clamped but in float32, which is written as it is. MP3 is encoded from 16
/// bits at a constant bit rate. Opus is always at 48 kHz, and M4A at the next rate that AAC has:
/// soxr resamples. Lossy files state their encoder's delay, so that players give the exact length
/// back, sample on sample. Ogg, Opus and M4A come from FFmpeg.
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
