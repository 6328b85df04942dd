#pragma once

#include <metalaudio/audio/output_file.h>

#include <memory>

extern "C" {
#include <libavformat/avformat.h>
}

namespace metalaudio::audio {

/// An OutputFile as FFmpeg's muxers write it, the same bytes for the same packets.
/// Errors:   throws Error{io} where the disk refuses, Error{unsupported} for what the container
///           does not take.
/// Threads:  one instance per thread.
class FfmpegOutput {
 public:
  FfmpegOutput(OutputFile& file, const char* container);

  AVFormatContext& context() const noexcept { return *context_; }
  /// The container states lengths in samples of this rate where it has a choice.
  void write_header(int sample_rate_hz);
  void write(AVPacket& packet);
  void write_trailer();

 private:
  struct Close {
    void operator()(AVFormatContext* context) const noexcept { avformat_free_context(context); }
    void operator()(AVIOContext* io) const noexcept {
      av_freep(&io->buffer);
      avio_context_free(&io);
    }
  };

  void check(int result) const;

  OutputFile& file_;
  std::unique_ptr<AVIOContext, Close> io_;
  std::unique_ptr<AVFormatContext, Close> context_;
};

}  // namespace metalaudio::audio
