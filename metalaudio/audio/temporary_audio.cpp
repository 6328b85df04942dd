#include <fcntl.h>
#include <metalaudio/audio/frame_range.h>
#include <metalaudio/audio/temporary_audio.h>
#include <metalaudio/audio/unnamed_file.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace metalaudio::audio {
namespace {

constexpr std::size_t kChunkFrames = 4096;
/// Pieces of memory never move, so that it grows without copies. They are no longer than what may
/// stay in memory: large pages would bring in all of them.
std::size_t frames_of_piece(std::size_t channels, std::size_t memory_limit_bytes) {
  constexpr std::size_t kMost = 1U << 20U;
  return std::clamp(memory_limit_bytes / (channels * sizeof(float)), kChunkFrames, kMost);
}

/// Asks for large pages, of which one is brought in as fast as a few small ones; a wish.
void wish_large_pages(void* memory, std::size_t bytes) {
  constexpr std::uintptr_t kPage = std::uintptr_t{2} << 20U;
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (address + kPage - 1) / kPage * kPage;
  const std::uintptr_t last = (address + bytes) / kPage * kPage;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

[[noreturn]] void fail_io(const std::string& folder, int error) {
  fail(ErrorCode::io, "[TemporaryAudio] {}: {}", folder, std::strerror(error));
}

}  // namespace

TemporaryAudio::TemporaryAudio(std::size_t channels, int sample_rate_hz,
                               std::size_t memory_limit_bytes, std::string beside)
    : channels_(channels),
      sample_rate_hz_(sample_rate_hz),
      memory_limit_bytes_(memory_limit_bytes),
      beside_(std::move(beside)) {
  if (channels < 1 || sample_rate_hz < 1)
    fail(ErrorCode::invalid_argument, "[TemporaryAudio] {}, {} Hz: expected 1 or more",
         counted(channels, "channel"), sample_rate_hz);
}

TemporaryAudio::~TemporaryAudio() {
  if (file_ >= 0) ::close(file_);
}

void TemporaryAudio::append(ConstAudioView block) {
  if (block.channels() != channels_)
    fail(ErrorCode::invalid_argument, "[TemporaryAudio] append {} of {}",
         counted(block.channels(), "channel"), channels_);
  const auto samples = (static_cast<std::size_t>(frames_) + block.frames()) * channels_;
  if (is_in_memory() && samples * sizeof(float) > memory_limit_bytes_) move_to_file();
  if (is_in_memory())
    append_to_memory(block);
  else
    append_to_file(block);
  frames_ += static_cast<std::int64_t>(block.frames());
}

void TemporaryAudio::append_to_memory(ConstAudioView block) {
  const std::size_t piece_frames = frames_of_piece(channels_, memory_limit_bytes_);
  for (std::size_t done = 0; done < block.frames();) {
    const std::size_t place = (static_cast<std::size_t>(frames_) + done) % piece_frames;
    if (place == 0) {
      memory_.push_back(std::make_unique_for_overwrite<float[]>(channels_ * piece_frames));
      wish_large_pages(memory_.back().get(), channels_ * piece_frames * sizeof(float));
    }
    const std::size_t count = std::min(piece_frames - place, block.frames() - done);
    for (std::size_t channel = 0; channel < channels_; ++channel)
      std::ranges::copy(block.channel(channel).subspan(done, count),
                        memory_.back().get() + channel * piece_frames + place);
    done += count;
  }
}

void TemporaryAudio::append_to_file(ConstAudioView block) {
  scratch_.resize(block.frames() * channels_);
  for (std::size_t channel = 0; channel < channels_; ++channel) {
    const auto samples = block.channel(channel);
    for (std::size_t frame = 0; frame < samples.size(); ++frame)
      scratch_[frame * channels_ + channel] = samples[frame];
  }
  write_at_end(scratch_);
}

void TemporaryAudio::move_to_file() {
  UnnamedFile file = open_unnamed_file(temporary_folders(beside_));
  folder_ = std::move(file.folder);
  if (file.file < 0) fail_io(folder_, errno);
  file_ = file.file;
  const std::size_t piece_frames = frames_of_piece(channels_, memory_limit_bytes_);
  auto left = static_cast<std::size_t>(frames_);
  for (std::unique_ptr<float[]>& piece : memory_) {
    const ConstAudioView all(piece.get(), channels_, std::min(left, piece_frames), piece_frames);
    for (std::size_t done = 0; done < all.frames(); done += kChunkFrames)
      append_to_file(all.part(done, std::min(kChunkFrames, all.frames() - done)));
    left -= all.frames();
    piece.reset();
  }
  memory_.clear();
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
  const AudioView there = out.part(range.lead, range.count);
  if (is_in_memory())
    read_memory(range.first, there);
  else
    read_file(range.first, there);
}

void TemporaryAudio::read_memory(std::int64_t first_frame, AudioView out) const {
  const std::size_t piece_frames = frames_of_piece(channels_, memory_limit_bytes_);
  for (std::size_t done = 0; done < out.frames();) {
    const std::size_t frame = static_cast<std::size_t>(first_frame) + done;
    const std::size_t place = frame % piece_frames;
    const std::size_t count = std::min(piece_frames - place, out.frames() - done);
    for (std::size_t channel = 0; channel < channels_; ++channel)
      std::copy_n(memory_[frame / piece_frames].get() + channel * piece_frames + place, count,
                  out.channel(channel).begin() + static_cast<std::ptrdiff_t>(done));
    done += count;
  }
}

void TemporaryAudio::read_file(std::int64_t first_frame, AudioView out) const {
  std::vector<float> interleaved(std::min(out.frames(), kChunkFrames) * channels_);
  for (std::size_t done = 0; done < out.frames(); done += kChunkFrames) {
    const std::size_t count = std::min(kChunkFrames, out.frames() - done);
    read_interleaved(first_frame + static_cast<std::int64_t>(done),
                     std::span(interleaved).first(count * channels_));
    for (std::size_t channel = 0; channel < channels_; ++channel) {
      const std::span<float> samples = out.channel(channel).subspan(done, count);
      for (std::size_t frame = 0; frame < count; ++frame)
        samples[frame] = interleaved[frame * channels_ + channel];
    }
  }
}

void TemporaryAudio::read_interleaved(std::int64_t first_frame,
                                      std::span<float> interleaved) const {
  const std::int64_t first = first_frame * static_cast<std::int64_t>(channels_);
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
