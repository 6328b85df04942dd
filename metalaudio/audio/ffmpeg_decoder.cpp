#include <metalaudio/audio/audio_decoder.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
}

namespace metalaudio::audio {
namespace {

/// Frames of a bare MPEG stream that may fail to decode before the file counts as damaged.
constexpr std::int64_t kMostPassedOver = 100;

struct CloseInput {
  void operator()(AVFormatContext* input) const noexcept { avformat_close_input(&input); }
};
struct CloseIo {
  void operator()(AVIOContext* io) const noexcept { avio_closep(&io); }
};
struct FreeCodec {
  void operator()(AVCodecContext* codec) const noexcept { avcodec_free_context(&codec); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const noexcept { av_packet_free(&packet); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }
};
struct FreeConverter {
  void operator()(SwrContext* converter) const noexcept { swr_free(&converter); }
};

std::string reason_of(int error) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(error, text.data(), text.size());
  return text.data();
}

/// Play lists and the like name other files and addresses: an audio file may open nothing.
int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

class FfmpegDecoder final : public AudioDecoder {
 public:
  explicit FfmpegDecoder(std::filesystem::path path) : path_(std::move(path)) {}

  /// Opens and decodes the first frame, which alone says what the codec gives. Returns the reason
  /// if that fails.
  std::string open();

  const AudioFormat& format() const noexcept override { return format_; }
  std::size_t read(std::span<float> interleaved) override;

 private:
  std::string open_container();
  std::string open_codec();
  bool decode_frame();
  void send_packet();
  void pass_over_or_check(int result);
  void convert_frame();
  void check_end() const;
  void check(int result) const;
  /// Samples without a code, whose last packet is marked as damaged for being short.
  bool is_plain() const { return av_get_bits_per_sample(stream_->codecpar->codec_id) > 0; }
  double seconds() const noexcept {
    return static_cast<double>(decoded_frames_) / std::max(format_.sample_rate_hz, 1);
  }

  std::filesystem::path path_;
  std::unique_ptr<AVIOContext, CloseIo> io_;
  std::unique_ptr<AVFormatContext, CloseInput> input_;
  std::unique_ptr<AVCodecContext, FreeCodec> codec_;
  std::unique_ptr<AVPacket, FreePacket> packet_{av_packet_alloc()};
  std::unique_ptr<AVFrame, FreeFrame> frame_{av_frame_alloc()};
  std::unique_ptr<SwrContext, FreeConverter> converter_;
  AVStream* stream_ = nullptr;
  AVSampleFormat sample_format_ = AV_SAMPLE_FMT_NONE;
  AudioFormat format_;
  std::vector<float> ready_;  // interleaved, decoded and not yet read from ready_read_ on
  std::size_t ready_read_ = 0;
  std::int64_t packets_ = 0;
  std::int64_t passed_over_ = 0;
  std::int64_t decoded_frames_ = 0;
};

std::string FfmpegDecoder::open() {
  if (std::string reason = open_container(); !reason.empty()) return reason;
  if (std::string reason = open_codec(); !reason.empty()) return reason;
  if (!decode_frame()) return "no audio in it";
  // A codec may change the rate and the channels that the container states (HE-AAC does).
  format_.sample_rate_hz = frame_->sample_rate;
  format_.channels = static_cast<std::size_t>(frame_->ch_layout.nb_channels);
  sample_format_ = static_cast<AVSampleFormat>(frame_->format);
  if (stream_->duration != AV_NOPTS_VALUE)
    format_.frames =
        av_rescale_q(stream_->duration, stream_->time_base, {1, format_.sample_rate_hz});
  SwrContext* converter = nullptr;
  check(swr_alloc_set_opts2(&converter, &frame_->ch_layout, AV_SAMPLE_FMT_FLT, frame_->sample_rate,
                            &frame_->ch_layout, sample_format_, frame_->sample_rate, 0, nullptr));
  converter_.reset(converter);
  check(swr_init(converter_.get()));
  convert_frame();
  return {};
}

std::string FfmpegDecoder::open_container() {
  AVIOContext* io = nullptr;
  // "file:" keeps a colon in the name from being taken for a protocol.
  int result = avio_open(&io, ("file:" + path_.string()).c_str(), AVIO_FLAG_READ);
  if (result < 0) return reason_of(result);
  io_.reset(io);
  AVFormatContext* input = avformat_alloc_context();
  input->pb = io;
  input->io_open = refuse_to_open;
  result = avformat_open_input(&input, path_.c_str(), nullptr, nullptr);  // frees input if it fails
  if (result < 0) return reason_of(result);
  input_.reset(input);
  result = avformat_find_stream_info(input, nullptr);
  if (result < 0) return reason_of(result);
  for (AVStream* stream : std::span(input->streams, input->nb_streams)) {
    const bool audio = stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    if (audio && !stream_) stream_ = stream;
    if (stream != stream_) stream->discard = AVDISCARD_ALL;
  }
  return stream_ ? "" : "no audio in it";
}

std::string FfmpegDecoder::open_codec() {
  const AVCodec* codec = avcodec_find_decoder(stream_->codecpar->codec_id);
  if (!codec) return std::string("no decoder for ") + avcodec_get_name(stream_->codecpar->codec_id);
  codec_.reset(avcodec_alloc_context3(codec));
  check(avcodec_parameters_to_context(codec_.get(), stream_->codecpar));
  codec_->pkt_timebase = stream_->time_base;
  codec_->thread_count = 1;
  const int result = avcodec_open2(codec_.get(), codec, nullptr);
  return result < 0 ? reason_of(result) : "";
}

std::size_t FfmpegDecoder::read(std::span<float> interleaved) {
  std::size_t done = 0;
  while (done < interleaved.size()) {
    if (ready_read_ == ready_.size()) {
      if (!decode_frame()) {
        check_end();
        break;
      }
      convert_frame();
    }
    const std::size_t count = std::min(interleaved.size() - done, ready_.size() - ready_read_);
    std::copy_n(ready_.begin() + static_cast<std::ptrdiff_t>(ready_read_), count,
                interleaved.begin() + static_cast<std::ptrdiff_t>(done));
    ready_read_ += count;
    done += count;
  }
  return done / format_.channels;
}

/// The next frame that holds samples; false at the end of the file.
bool FfmpegDecoder::decode_frame() {
  for (;;) {
    const int result = avcodec_receive_frame(codec_.get(), frame_.get());
    if (result == AVERROR_EOF) return false;
    if (result == AVERROR(EAGAIN)) {
      send_packet();
      continue;
    }
    pass_over_or_check(result);
    if (result == 0 && frame_->nb_samples > 0) return true;
  }
}

/// Gives the codec the next packet of the stream, or the word that there are no more.
void FfmpegDecoder::send_packet() {
  const int result = av_read_frame(input_.get(), packet_.get());
  if (result == AVERROR_EOF) {
    check(avcodec_send_packet(codec_.get(), nullptr));
    return;
  }
  check(result);
  if (packet_->stream_index == stream_->index) {
    ++packets_;
    if ((packet_->flags & AV_PKT_FLAG_CORRUPT) != 0 && !is_plain())
      fail(ErrorCode::invalid_data, "[AudioReader] {}: truncated or damaged after {:.2f} s",
           path_.string(), seconds());
    pass_over_or_check(avcodec_send_packet(codec_.get(), packet_.get()));
  }
  av_packet_unref(packet_.get());
}

/// A stream of MPEG frames may start within a frame and hold tags, and players go on after both.
void FfmpegDecoder::pass_over_or_check(int result) {
  const std::string_view container = input_->iformat->name;
  const bool bare_frames = container == "mp3" || container == "aac";
  if (result == AVERROR_INVALIDDATA && bare_frames && ++passed_over_ <= kMostPassedOver) return;
  check(result);
}

void FfmpegDecoder::convert_frame() {
  const auto channels = static_cast<std::size_t>(frame_->ch_layout.nb_channels);
  if (frame_->sample_rate != format_.sample_rate_hz || channels != format_.channels ||
      frame_->format != sample_format_)
    fail(ErrorCode::unsupported, "[AudioReader] {}: rate or channels change after {:.2f} s",
         path_.string(), seconds());
  ready_.resize(static_cast<std::size_t>(frame_->nb_samples) * channels);
  ready_read_ = 0;
  auto* out = reinterpret_cast<std::uint8_t*>(ready_.data());
  check(swr_convert(converter_.get(), &out, frame_->nb_samples,
                    const_cast<const std::uint8_t**>(frame_->extended_data), frame_->nb_samples));
  decoded_frames_ += frame_->nb_samples;
}

/// A demuxer takes a file that stops too early for its end; its index or its duration knows better.
void FfmpegDecoder::check_end() const {
  const bool indexed = std::string_view(input_->iformat->name).starts_with("mov,");
  const int promised = avformat_index_get_entries_count(stream_);
  if (indexed && packets_ < promised)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: truncated: {} packets of {}", path_.string(),
         packets_, promised);
  // With one stream the duration is its own. Containers round it, by less than half a second.
  const std::span streams(input_->streams, input_->nb_streams);
  const bool alone = std::ranges::all_of(streams, [&](const AVStream* stream) {
    return stream == stream_ || (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  });
  const bool stated = input_->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE;
  const double duration = static_cast<double>(input_->duration) / AV_TIME_BASE;
  if (alone && stated && seconds() + 0.5 < duration)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: truncated: {:.2f} s of {:.2f} s",
         path_.string(), seconds(), duration);
}

void FfmpegDecoder::check(int result) const {
  if (result < 0)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: damaged after {:.2f} s: {}", path_.string(),
         seconds(), reason_of(result));
}

}  // namespace

std::unique_ptr<AudioDecoder> open_with_ffmpeg(const std::filesystem::path& path,
                                               std::string& reason) {
  static std::once_flag silenced;
  std::call_once(silenced, [] { av_log_set_level(AV_LOG_QUIET); });
  auto decoder = std::make_unique<FfmpegDecoder>(path);
  reason = decoder->open();
  return reason.empty() ? std::move(decoder) : nullptr;
}

}  // namespace metalaudio::audio
