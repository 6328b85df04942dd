#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/audio/writing/audio_encoder.h>
#include <metalaudio/audio/writing/tag_writer.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cmath>
#include <span>
#include <string>
#include <utility>

namespace metalaudio::audio {
namespace {

constexpr std::size_t kChunkFrames = 16384;
constexpr std::size_t kStems = 4;  // of NI Stems
constexpr std::array<std::string_view, 7> kExtensions{"wav",  "flac", "mp3",     "ogg",
                                                      "opus", "m4a",  "stem.m4a"};

std::size_t most_channels(FileType type) {
  switch (type) {
    case FileType::mp3:
      return 2;
    case FileType::flac:
    case FileType::ogg:
    case FileType::opus:
    case FileType::m4a:
      return 8;
    case FileType::stem_m4a:
      return 10;
    case FileType::wav:
      break;
  }
  return 32;
}

void check_options(const std::filesystem::path& path, const AudioWriterOptions& options) {
  const std::string name = path.string();
  const std::string_view type = extension_of(options.type);
  if (options.channels == 0)
    fail(ErrorCode::invalid_argument, "[AudioWriter] {}: no channels", name);
  if (options.channels > most_channels(options.type))
    fail(ErrorCode::unsupported, "[AudioWriter] {}: {}: {} holds at most {}", name,
         counted(options.channels, "channel"), type, most_channels(options.type));
  if (options.sample_rate_hz < 1 || options.sample_rate_hz > 768000)
    fail(ErrorCode::invalid_argument, "[AudioWriter] {}: sample rate {} Hz: expected 1 to 768000",
         name, options.sample_rate_hz);
  if (options.channel_mask != 0 &&
      std::popcount(options.channel_mask) != static_cast<int>(options.channels))
    fail(ErrorCode::invalid_argument, "[AudioWriter] {}: channel mask {:#x} for {}", name,
         options.channel_mask, counted(options.channels, "channel"));
  const bool m4a = options.type == FileType::m4a || options.type == FileType::stem_m4a;
  if ((options.type == FileType::flac || (m4a && options.lossless)) &&
      options.sample_format == SampleFormat::float32)
    fail(ErrorCode::unsupported, "[AudioWriter] {}: {} holds 16 or 24 bits, not float32", name,
         m4a ? "ALAC" : type);
  if (options.type == FileType::stem_m4a &&
      (options.stems.size() != kStems || options.channels % (1 + kStems) != 0))
    fail(ErrorCode::unsupported,
         "[AudioWriter] {}: {} in {}: {} holds a mix and {} stems of one or two each", name,
         counted(options.stems.size(), "stem"), counted(options.channels, "channel"), type, kStems);
  if (options.bitrate_kbps && (*options.bitrate_kbps < 8 || *options.bitrate_kbps > 4000))
    fail(ErrorCode::invalid_argument, "[AudioWriter] {}: bit rate {} kbit/s: expected 8 to 4000",
         name, *options.bitrate_kbps);
  if (options.mp3_bitrate_kbps < 8 || options.mp3_bitrate_kbps > 320)
    fail(ErrorCode::invalid_argument, "[AudioWriter] {}: MP3 bit rate {} kbit/s: expected 8 to 320",
         name, options.mp3_bitrate_kbps);
  if (options.mp3_preset < 2 || options.mp3_preset > 7)
    fail(ErrorCode::invalid_argument, "[AudioWriter] {}: MP3 preset {}: expected 2 to 7", name,
         options.mp3_preset);
}

/// By the largest exponent, which compilers find in vectors.
bool all_finite(std::span<const float> samples) {
  std::int32_t largest = 0;
  for (const float sample : samples)
    largest = std::max(largest, std::bit_cast<std::int32_t>(sample) & 0x7FFFFFFF);
  return largest < 0x7F800000;
}

}  // namespace

std::optional<FileType> file_type_of(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  std::ranges::transform(name, name.begin(),
                         [](unsigned char letter) { return std::tolower(letter); });
  // From the back: "a.stem.m4a" ends like an M4A too.
  for (std::size_t type = kExtensions.size(); type-- > 0;) {
    const std::string ending = "." + std::string(kExtensions[type]);
    if (name.size() > ending.size() && name.ends_with(ending)) return static_cast<FileType>(type);
  }
  return std::nullopt;
}

std::string_view extension_of(FileType type) noexcept {
  return kExtensions[static_cast<std::size_t>(type)];
}

AudioWriter::AudioWriter(const std::filesystem::path& path, const AudioWriterOptions& options)
    : options_(options), interleaved_(kChunkFrames * options.channels) {
  check_options(path, options);
  file_ = std::make_unique<OutputFile>(path);
  switch (options.type) {
    case FileType::wav:
    case FileType::flac:
      encoder_ = make_sndfile_encoder(*file_, options);
      break;
    case FileType::mp3:
      encoder_ = make_mp3_encoder(*file_, options);
      break;
    default:
      encoder_ = make_ffmpeg_encoder(*file_, options);
  }
}

AudioWriter::~AudioWriter() = default;
AudioWriter::AudioWriter(AudioWriter&&) noexcept = default;
AudioWriter& AudioWriter::operator=(AudioWriter&& other) noexcept {
  encoder_.reset();  // it still writes to its file
  options_ = other.options_;
  file_ = std::move(other.file_);
  encoder_ = std::move(other.encoder_);
  interleaved_ = std::move(other.interleaved_);
  position_ = other.position_;
  return *this;
}

void AudioWriter::write(ConstAudioView block) {
  if (!encoder_) fail(ErrorCode::invalid_argument, "[AudioWriter] write after finish");
  if (block.channels() != options_.channels)
    fail(ErrorCode::invalid_argument, "[AudioWriter] {}: write {} of {}", file_->target().string(),
         counted(block.channels(), "channel"), options_.channels);
  for (std::size_t first = 0; first < block.frames(); first += kChunkFrames)
    write_chunk(block.part(first, std::min(kChunkFrames, block.frames() - first)));
}

void AudioWriter::write_chunk(ConstAudioView chunk) {
  const std::size_t channels = options_.channels;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    const auto samples = chunk.channel(channel);
    if (!all_finite(samples)) {
      const auto bad = std::ranges::find_if(samples, [](float x) { return !std::isfinite(x); });
      fail(ErrorCode::invalid_data, "[AudioWriter] {}: {} at {:.3f} s in channel {}",
           file_->target().string(), *bad,
           static_cast<double>(position_ + (bad - samples.begin())) / options_.sample_rate_hz,
           channel + 1);
    }
    float* const to = interleaved_.data() + channel;
    for (std::size_t frame = 0; frame < samples.size(); ++frame)
      to[frame * channels] = samples[frame];
  }
  encoder_->write(std::span(interleaved_).first(chunk.frames() * channels));
  position_ += static_cast<std::int64_t>(chunk.frames());
}

void AudioWriter::finish() {
  if (!encoder_) return;
  encoder_->finish();
  encoder_.reset();
  if (!options_.tags.empty()) write_tags(*file_, options_.type, options_.tags);
  file_->check();
}

void AudioWriter::close() {
  finish();
  if (!file_) fail(ErrorCode::invalid_argument, "[AudioWriter] closed twice");
  file_->commit();
  file_.reset();
}

}  // namespace metalaudio::audio
