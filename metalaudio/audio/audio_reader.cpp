#include <fcntl.h>
#include <metalaudio/audio/audio_decoder.h>
#include <metalaudio/audio/audio_reader.h>
#include <metalaudio/audio/file_header.h>
#include <metalaudio/core/error.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

namespace metalaudio::audio {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunkFrames = 4096;

/// The reasons that both libraries would word less clearly.
void check_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    fail(ErrorCode::not_found, "[AudioReader] {}: no such file", path.string());
  if (error) fail(ErrorCode::io, "[AudioReader] {}: {}", path.string(), error.message());
  if (status.type() == fs::file_type::directory)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: a folder, not a file", path.string());
  if (status.type() != fs::file_type::regular)
    fail(ErrorCode::unsupported, "[AudioReader] {}: not a regular file", path.string());
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(ErrorCode::io, "[AudioReader] {}: {}", path.string(), std::strerror(errno));
  ::close(file);
  if (fs::file_size(path) == 0)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: empty file", path.string());
}

void check_format(const fs::path& path, const AudioFormat& format) {
  if (format.channels == 0)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: no channels", path.string());
  if (format.channels > AudioReader::kMaxChannels)
    fail(ErrorCode::unsupported, "[AudioReader] {}: {} channels: at most {}", path.string(),
         format.channels, AudioReader::kMaxChannels);
  if (format.sample_rate_hz < AudioReader::kMinRateHz ||
      format.sample_rate_hz > AudioReader::kMaxRateHz)
    fail(ErrorCode::unsupported, "[AudioReader] {}: sample rate {} Hz: expected {} to {}",
         path.string(), format.sample_rate_hz, AudioReader::kMinRateHz, AudioReader::kMaxRateHz);
}

std::unique_ptr<AudioDecoder> open_decoder(const fs::path& path) {
  check_file(path);
  std::string first_reason;
  std::string second_reason;
  std::unique_ptr<AudioDecoder> decoder;
  if (inspect_header(path) == DecoderLibrary::sndfile)
    decoder = open_with_sndfile(path, first_reason);
  if (!decoder) decoder = open_with_ffmpeg(path, second_reason);
  if (!decoder)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: not audio that can be read: {}", path.string(),
         first_reason.empty() ? second_reason : first_reason);
  check_format(path, decoder->format());
  return decoder;
}

}  // namespace

AudioReader::AudioReader(fs::path path)
    : path_(std::move(path)),
      decoder_(open_decoder(path_)),
      interleaved_(kChunkFrames * decoder_->format().channels) {}

AudioReader::~AudioReader() = default;
AudioReader::AudioReader(AudioReader&&) noexcept = default;
AudioReader& AudioReader::operator=(AudioReader&&) noexcept = default;

const AudioFormat& AudioReader::format() const noexcept { return decoder_->format(); }

std::size_t AudioReader::read(AudioBuffer& block) {
  const std::size_t channels = format().channels;
  if (block.channels() != channels)
    fail(ErrorCode::invalid_argument, "[AudioReader] {}: read {} channels of {}", path_.string(),
         block.channels(), channels);
  std::size_t done = 0;
  while (done < block.frames()) {
    const std::size_t wanted = std::min(kChunkFrames, block.frames() - done);
    const std::size_t got = decoder_->read(std::span(interleaved_).first(wanted * channels));
    for (std::size_t channel = 0; channel < channels; ++channel) {
      const auto out = block.channel(channel).subspan(done, got);
      for (std::size_t frame = 0; frame < got; ++frame)
        out[frame] = interleaved_[frame * channels + channel];
    }
    done += got;
    if (got < wanted) break;
  }
  check_finite(block, done);
  position_ += static_cast<std::int64_t>(done);
  return done;
}

void AudioReader::rewind() {
  decoder_ = open_decoder(path_);
  position_ = 0;
}

void AudioReader::check_finite(const AudioBuffer& block, std::size_t frames) const {
  for (std::size_t channel = 0; channel < block.channels(); ++channel) {
    const auto samples = block.channel(channel).first(frames);
    const auto bad = std::find_if_not(samples.begin(), samples.end(),
                                      [](float sample) { return std::isfinite(sample); });
    if (bad != samples.end())
      fail(ErrorCode::invalid_data, "[AudioReader] {}: sample {} of channel {} is {}",
           path_.string(), position_ + (bad - samples.begin()), channel, *bad);
  }
}

}  // namespace metalaudio::audio
