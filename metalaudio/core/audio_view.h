#pragma once

#include <cassert>
#include <cstddef>
#include <span>
#include <type_traits>

namespace metalaudio {

/// Planar audio that somebody else owns: as many channels of as many frames, each contiguous. Made
/// of pointers to channels, as a plug-in host gives them, or of one block with a stride.
/// Threads:  a value; it dangles when the samples, or the array of pointers, go.
/// Realtime: all of it.
template <typename Sample>
class BasicAudioView {
  template <typename>
  friend class BasicAudioView;

 public:
  BasicAudioView() = default;
  /// channels[0], channels[1], …; the array of pointers must outlive the view.
  BasicAudioView(Sample* const* channels, std::size_t count, std::size_t frames) noexcept
      : pointers_(channels), channels_(count), frames_(frames) {}
  BasicAudioView(std::span<Sample* const> channels, std::size_t frames) noexcept
      : BasicAudioView(channels.data(), channels.size(), frames) {}
  /// Channel c starts at data + c * stride.
  BasicAudioView(Sample* data, std::size_t channels, std::size_t frames,
                 std::size_t stride) noexcept
      : data_(data), stride_(stride), channels_(channels), frames_(frames) {}
  /// One channel.
  explicit BasicAudioView(std::span<Sample> channel) noexcept
      : BasicAudioView(channel.data(), 1, channel.size(), channel.size()) {}
  /// A view to write is a view to read.
  template <typename Other, typename = std::enable_if_t<std::is_same_v<const Other, Sample>>>
  BasicAudioView(const BasicAudioView<Other>& other) noexcept
      : pointers_(other.pointers_),
        data_(other.data_),
        stride_(other.stride_),
        first_channel_(other.first_channel_),
        first_frame_(other.first_frame_),
        channels_(other.channels_),
        frames_(other.frames_) {}

  std::size_t channels() const noexcept { return channels_; }
  std::size_t frames() const noexcept { return frames_; }
  bool empty() const noexcept { return channels_ == 0 || frames_ == 0; }
  std::span<Sample> channel(std::size_t index) const noexcept {
    assert(index < channels_);
    const std::size_t c = first_channel_ + index;
    return {(pointers_ != nullptr ? pointers_[c] : data_ + c * stride_) + first_frame_, frames_};
  }

  /// Frames [first, first + frames) of the same channels.
  BasicAudioView part(std::size_t first, std::size_t frames) const noexcept {
    assert(first + frames <= frames_);
    BasicAudioView part = *this;
    part.first_frame_ += first;
    part.frames_ = frames;
    return part;
  }
  /// Channels [first, first + channels), all frames.
  BasicAudioView some_channels(std::size_t first, std::size_t channels) const noexcept {
    assert(first + channels <= channels_);
    BasicAudioView some = *this;
    some.first_channel_ += first;
    some.channels_ = channels;
    return some;
  }

 private:
  Sample* const* pointers_ = nullptr;
  Sample* data_ = nullptr;  // without pointers
  std::size_t stride_ = 0;
  std::size_t first_channel_ = 0;
  std::size_t first_frame_ = 0;
  std::size_t channels_ = 0;
  std::size_t frames_ = 0;
};

using AudioView = BasicAudioView<float>;
using ConstAudioView = BasicAudioView<const float>;

}  // namespace metalaudio
