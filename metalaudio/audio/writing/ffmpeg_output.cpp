#include <metalaudio/audio/reading/ffmpeg_input.h>
#include <metalaudio/audio/writing/ffmpeg_output.h>
#include <metalaudio/core/error.h>

#include <cstdio>
#include <span>

namespace metalaudio::audio {
namespace {

constexpr int kBufferBytes = 1 << 16;

int write_bytes(void* file, std::uint8_t* bytes, int count) {
  const auto part = std::as_bytes(std::span(bytes, static_cast<std::size_t>(count)));
  return static_cast<OutputFile*>(file)->try_write(part) ? count : AVERROR(EIO);
}

std::int64_t seek_to(void* opaque, std::int64_t offset, int whence) {
  auto* file = static_cast<OutputFile*>(opaque);
  if ((whence & AVSEEK_SIZE) != 0) return file->size();
  const int origin = whence & ~AVSEEK_FORCE;
  const std::int64_t base = origin == SEEK_SET   ? 0
                            : origin == SEEK_CUR ? file->position()
                                                 : file->size();
  if (offset < -base) return AVERROR(EINVAL);
  file->seek(base + offset);
  return file->position();
}

}  // namespace

FfmpegOutput::FfmpegOutput(OutputFile& file, const char* container) : file_(file) {
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
  io_.reset(avio_alloc_context(buffer, kBufferBytes, 1, &file, nullptr, write_bytes, seek_to));
  AVFormatContext* context = nullptr;
  avformat_alloc_output_context2(&context, nullptr, container, nullptr);
  context_.reset(context);
  if (!io_ || !context_)
    fail(ErrorCode::unsupported, "[AudioWriter] {}: FFmpeg has no {}", file.target().string(),
         container);
  context_->pb = io_.get();
  // No random serial numbers, and no names of programs.
  context_->flags |= AVFMT_FLAG_BITEXACT;
}

void FfmpegOutput::write_header(int sample_rate_hz) {
  AVDictionary* options = nullptr;
  av_dict_set_int(&options, "movie_timescale", sample_rate_hz, 0);
  const int result = avformat_write_header(context_.get(), &options);
  av_dict_free(&options);
  check(result);
}

void FfmpegOutput::write(AVPacket& packet) {
  check(av_interleaved_write_frame(context_.get(), &packet));
}

void FfmpegOutput::write_trailer() {
  check(av_write_trailer(context_.get()));
  avio_flush(io_.get());
  file_.check();
}

void FfmpegOutput::check(int result) const {
  file_.check();
  if (result < 0)
    fail(ErrorCode::unsupported, "[AudioWriter] {}: {}", file_.target().string(),
         reason_of(result));
}

}  // namespace metalaudio::audio
