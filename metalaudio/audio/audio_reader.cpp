#include <fmt/format.h>
#include <metalaudio/audio/audio_reader.h>
#include <metalaudio/audio/reading/audio_decoder.h>
#include <metalaudio/audio/reading/file_sections.h>
#include <metalaudio/audio/reading/format_adapter.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

namespace metalaudio::audio {
namespace {

namespace fs = std::filesystem;

/// Above it is no statement: 700 years.
constexpr std::int64_t kMostStatedFrames = std::int64_t{1} << 50;

/// The reasons that libraries would word less clearly.
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
}

void check_format(const fs::path& path, const DecodedBlock& block) {
  if (block.channels > AudioReader::kMaxChannels)
    fail(ErrorCode::unsupported, "[AudioReader] {}: {}: at most {}", path.string(),
         counted(block.channels, "channel"), AudioReader::kMaxChannels);
  if (block.sample_rate_hz < AudioReader::kMinRateHz ||
      block.sample_rate_hz > AudioReader::kMaxRateHz)
    fail(ErrorCode::unsupported, "[AudioReader] {}: sample rate {} Hz: expected {} to {}",
         path.string(), block.sample_rate_hz, AudioReader::kMinRateHz, AudioReader::kMaxRateHz);
}

}  // namespace

/// The sections of the file and the parts within them, as one stream of one format.
class AudioReader::Parts {
 public:
  Parts(const fs::path& path, const ReadOptions& options) : log_(path, options.allow_truncated) {
    check_file(path);
    FileBytes file(path);
    if (file.size() == 0)
      fail(ErrorCode::invalid_data, "[AudioReader] {}: empty file", path.string());
    sections_ = find_sections(file, log_);
    first_block(options);
  }

  const AudioFormat& format() const noexcept { return format_; }
  const ReadLog& log() const noexcept { return log_; }

  std::size_t read(AudioView block) {
    std::size_t done = 0;
    while (done < block.frames() && (has_ready() || next_block())) {
      const std::size_t channels = format_.channels;
      const std::size_t count =
          std::min(block.frames() - done, (ready_.size() - ready_read_) / channels);
      for (std::size_t channel = 0; channel < channels; ++channel) {
        const auto out = block.channel(channel).subspan(done, count);
        for (std::size_t frame = 0; frame < count; ++frame)
          out[frame] = ready_[ready_read_ + frame * channels + channel];
      }
      ready_read_ += count * channels;
      done += count;
    }
    return done;
  }

 private:
  bool has_ready() const { return ready_read_ < ready_.size(); }

  void first_block(const ReadOptions& options) {
    if (!decode()) {
      if (opened_ == 0)
        fail(ErrorCode::invalid_data, "[AudioReader] {}: not audio that can be read: {}",
             log_.file(), reason_);
      fail(ErrorCode::invalid_data, "[AudioReader] {}: not a single frame of audio", log_.file());
    }
    format_.sample_rate_hz = block_.sample_rate_hz;
    format_.channels = block_.channels > 1 ? block_.channels : options.channels_for_mono;
    format_.channel_mask = format_.channels == block_.channels ? block_.channel_mask : 0;
    format_.frames = std::min(decoder_->stated_frames(), std::optional(kMostStatedFrames));
    adapter_.emplace(format_);
    last_ = block_;
    adapter_->add(block_, ready_);
  }

  bool next_block() {
    ready_.clear();
    ready_read_ = 0;
    while (!ended_ && !has_ready()) {
      if (decode()) {
        if (!block_.is_like(last_)) tell_change();
        last_ = block_;
        adapter_->add(block_, ready_);
      } else {
        ended_ = true;
        adapter_->flush(ready_);
      }
      frames_ += ready_.size() / format_.channels;
    }
    return has_ready();
  }

  /// The next block of this section, or of the next that holds sound.
  bool decode() {
    for (;;) {
      if (decoder_ && decoder_->next(block_)) {
        check_format(log_.path(), block_);
        return true;
      }
      decoder_.reset();
      if (next_section_ == sections_.size()) return false;
      open_section();
    }
  }

  void open_section() {
    const FileSection& section = sections_[next_section_++];
    std::string reason;
    decoder_ = open_with_ffmpeg(section, log_, reason);
    std::string second_reason;
    if (!decoder_ && (sections_.size() == 1 || !has_ffmpeg()))
      decoder_ = open_with_sndfile(section, log_, second_reason);
    if (decoder_) {
      ++opened_;
      return;
    }
    reason_ = second_reason.empty() ? reason : second_reason;
    if (sections_.size() > 1)
      log_.warn(fmt::format("not read: {} in it: {}", counted(section.bytes, "byte"), reason_));
  }

  void tell_change() {
    const double seconds = static_cast<double>(frames_) / format_.sample_rate_hz;
    log_.warn(fmt::format("{} Hz and {} from {:.2f} s on: brought to {} Hz and {}",
                          block_.sample_rate_hz, counted(block_.channels, "channel"), seconds,
                          format_.sample_rate_hz, format_.channels));
  }

  ReadLog log_;
  FileSections sections_;
  std::size_t next_section_ = 0;
  std::size_t opened_ = 0;
  std::string reason_;  // why the last section could not be opened
  std::unique_ptr<AudioDecoder> decoder_;
  DecodedBlock block_;
  DecodedBlock last_;
  AudioFormat format_;
  std::optional<FormatAdapter> adapter_;
  std::vector<float> ready_;  // interleaved, not yet read from ready_read_ on
  std::size_t ready_read_ = 0;
  std::size_t frames_ = 0;
  bool ended_ = false;
};

AudioReader::AudioReader(fs::path path, const ReadOptions& options)
    : path_(std::move(path)), options_(options), parts_(std::make_unique<Parts>(path_, options)) {}

AudioReader::~AudioReader() = default;
AudioReader::AudioReader(AudioReader&&) noexcept = default;
AudioReader& AudioReader::operator=(AudioReader&&) noexcept = default;

const AudioFormat& AudioReader::format() const noexcept { return parts_->format(); }

const std::vector<std::string>& AudioReader::warnings() const noexcept {
  return parts_->log().warnings();
}

std::size_t AudioReader::read(AudioView block) {
  if (block.channels() != format().channels)
    fail(ErrorCode::invalid_argument, "[AudioReader] {}: read {} of {}", path_.string(),
         counted(block.channels(), "channel"), format().channels);
  const std::size_t done = parts_->read(block);
  check_finite(block.part(0, done));
  position_ += static_cast<std::int64_t>(done);
  return done;
}

void AudioReader::rewind() {
  parts_ = std::make_unique<Parts>(path_, options_);
  position_ = 0;
}

void AudioReader::check_finite(ConstAudioView block) const {
  for (std::size_t channel = 0; channel < block.channels(); ++channel) {
    const auto samples = block.channel(channel);
    const auto bad = std::find_if_not(samples.begin(), samples.end(),
                                      [](float sample) { return std::isfinite(sample); });
    if (bad == samples.end()) continue;
    const std::int64_t sample = position_ + (bad - samples.begin());
    fail(ErrorCode::invalid_data, "[AudioReader] {}: {} at {:.3f} s in channel {}", path_.string(),
         *bad, static_cast<double>(sample) / format().sample_rate_hz, channel + 1);
  }
}

}  // namespace metalaudio::audio
