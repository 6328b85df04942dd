#pragma once

#include <metalaudio/audio/reading/file_section.h>
#include <metalaudio/audio/reading/read_log.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace metalaudio::audio {

/// FFmpeg's text for one of its errors.
std::string reason_of(int error);

/// Keeps FFmpeg from writing to the terminal.
void silence_ffmpeg();

/// One section of a file as FFmpeg's demuxers see it, and the sound track of it that is read: the
/// one marked default, otherwise the first that a codec is known for.
/// Threads:  one instance per thread.
class FfmpegInput {
 public:
  explicit FfmpegInput(ReadLog& log) : log_(log) {}

  /// Returns the reason if that fails.
  std::string open(const FileSection& section);

  const AVFormatContext& file() const noexcept { return *input_; }
  AVStream& stream() const noexcept { return *stream_; }
  const AVCodec& codec() const noexcept { return *codec_; }
  /// Whether the container has this of FFmpeg's names.
  bool is(std::string_view container) const noexcept;
  std::optional<std::int64_t> stated_frames(int sample_rate_hz) const noexcept;

  /// The next packet of the sound track; an error of FFmpeg's otherwise.
  int read(AVPacket& packet);
  /// Whether as many frames were decoded as the container counts, if it does.
  bool is_complete(std::int64_t decoded_frames) const;
  /// How many samples of the last packet's frame are sound, as its container says; 0 for others.
  std::int64_t frames_of_last(const AVFrame& frame) const;
  /// Says so in the log if the file stops before what its index or its duration promise.
  void check_end(std::int64_t decoded_frames, int sample_rate_hz);

 private:
  struct Close {
    void operator()(AVFormatContext* input) const noexcept { avformat_close_input(&input); }
    void operator()(AVIOContext* io) const noexcept {
      av_freep(&io->buffer);
      avio_context_free(&io);
    }
  };

  std::string choose_stream();
  std::optional<std::int64_t> counted_frames() const;

  ReadLog& log_;
  std::unique_ptr<SectionReader> bytes_;
  std::unique_ptr<AVIOContext, Close> io_;
  std::unique_ptr<AVFormatContext, Close> input_;
  AVStream* stream_ = nullptr;
  const AVCodec* codec_ = nullptr;
  std::int64_t packets_ = 0;
  double last_end_seconds_ = 0.0;  // of all streams, by their timestamps
};

}  // namespace metalaudio::audio
