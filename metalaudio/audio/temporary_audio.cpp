#include <fcntl.h>
#include <metalaudio/audio/frame_range.h>
#include <metalaudio/audio/temporary_audio.h>
#include <metalaudio/core/error.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace metalaudio::audio {
namespace {

constexpr std::size_t kChunkFrames = 4096;

std::string temporary_folder() {
  const char* chosen = std::getenv("TMPDIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : "/var/tmp";
}

/// A file without a name, or one that loses its name at once where the file system cannot.
int open_unnamed(const std::string& folder) {
  const int unnamed = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (unnamed >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return unnamed;
  std::string name = folder + "/metalaudio-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

[[noreturn]] void fail_io(const std::string& folder, int error) {
  fail(ErrorCode::io, "[TemporaryAudio] {}: {}", folder, std::strerror(error));
}

}  // namespace

TemporaryAudio::TemporaryAudio(std::size_t channels, int sample_rate_hz,
                               std::size_t memory_limit_bytes)
    : channels_(channels),
      sample_rate_hz_(sample_rate_hz),
      memory_limit_bytes_(memory_limit_bytes),
      folder_(temporary_folder()) {
  if (channels < 1 || sample_rate_hz < 1)
    fail(ErrorCode::invalid_argument, "[TemporaryAudio] {} channels, {} Hz: expected 1 or more",
         channels, sample_rate_hz);
}

TemporaryAudio::~TemporaryAudio() {
  if (file_ >= 0) ::close(file_);
}

void TemporaryAudio::append(ConstAudioView block) {
  if (block.channels() != channels_)
    fail(ErrorCode::invalid_argument, "[TemporaryAudio] append {} channels of {}", block.channels(),
         channels_);
  scratch_.resize(block.frames() * channels_);
  for (std::size_t channel = 0; channel < channels_; ++channel) {
    const auto samples = block.channel(channel);
    for (std::size_t frame = 0; frame < samples.size(); ++frame)
      scratch_[frame * channels_ + channel] = samples[frame];
  }
  const std::size_t bytes = (memory_.size() + scratch_.size()) * sizeof(float);
  if (is_in_memory() && bytes > memory_limit_bytes_) move_to_file();
  if (is_in_memory())
    memory_.insert(memory_.end(), scratch_.begin(), scratch_.end());
  else
    write_at_end(scratch_);
  frames_ += static_cast<std::int64_t>(block.frames());
}

void TemporaryAudio::move_to_file() {
  file_ = open_unnamed(folder_);
  if (file_ < 0) fail_io(folder_, errno);
  write_at_end(memory_);
  memory_ = {};
}

void TemporaryAudio::write_at_end(std::span<const float> interleaved) {
  auto bytes = std::as_bytes(interleaved);
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), file_bytes_);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_io(folder_, written < 0 ? errno : ENOSPC);
    file_bytes_ += written;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void TemporaryAudio::read(std::int64_t first_frame, AudioView out) const {
  check_read(out, channels_);
  const FrameRange range = overlap(first_frame, out.frames(), frames_);
  clear_outside(range, out);
  std::vector<float> interleaved(std::min(range.count, kChunkFrames) * channels_);
  for (std::size_t done = 0; done < range.count; done += kChunkFrames) {
    const std::size_t count = std::min(kChunkFrames, range.count - done);
    read_interleaved(range.first + static_cast<std::int64_t>(done),
                     std::span(interleaved).first(count * channels_));
    for (std::size_t channel = 0; channel < channels_; ++channel) {
      const std::span<float> samples = out.channel(channel).subspan(range.lead + done, count);
      for (std::size_t frame = 0; frame < count; ++frame)
        samples[frame] = interleaved[frame * channels_ + channel];
    }
  }
}

void TemporaryAudio::read_interleaved(std::int64_t first_frame,
                                      std::span<float> interleaved) const {
  const std::int64_t first = first_frame * static_cast<std::int64_t>(channels_);
  if (is_in_memory()) {
    std::copy_n(memory_.begin() + first, interleaved.size(), interleaved.begin());
    return;
  }
  auto bytes = std::as_writable_bytes(interleaved);
  std::int64_t place = first * static_cast<std::int64_t>(sizeof(float));
  while (!bytes.empty()) {
    const ssize_t got = ::pread(file_, bytes.data(), bytes.size(), place);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail_io(folder_, got < 0 ? errno : EIO);
    place += got;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace metalaudio::audio
