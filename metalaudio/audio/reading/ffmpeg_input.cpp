#include <fmt/format.h>
#include <metalaudio/audio/reading/ffmpeg_input.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <span>

namespace metalaudio::audio {
namespace {

constexpr int kBufferBytes = 1 << 16;
/// Containers round their durations, by less than this.
constexpr double kRoundingSeconds = 0.5;

/// Play lists and the like name other files and addresses: an audio file may open nothing.
int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

int read_section(void* opaque, std::uint8_t* buffer, int bytes) {
  auto* section = static_cast<SectionReader*>(opaque);
  const std::size_t got =
      section->read(std::as_writable_bytes(std::span(buffer, static_cast<std::size_t>(bytes))));
  if (section->error() != 0) return AVERROR(section->error());
  return got > 0 ? static_cast<int>(got) : AVERROR_EOF;
}

std::int64_t seek_section(void* opaque, std::int64_t offset, int whence) {
  auto* section = static_cast<SectionReader*>(opaque);
  if ((whence & AVSEEK_SIZE) != 0) return section->size();
  const int origin = whence & ~AVSEEK_FORCE;
  const std::int64_t base = origin == SEEK_SET   ? 0
                            : origin == SEEK_CUR ? section->position()
                                                 : section->size();
  if (offset < -base) return AVERROR(EINVAL);
  section->seek(base + offset);
  return section->position();
}

bool is_picture(const AVStream* stream) {
  return (stream->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS)) !=
         0;
}

}  // namespace

std::string reason_of(int error) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(error, text.data(), text.size());
  return text.data();
}

void silence_ffmpeg() {
  static std::once_flag silenced;
  std::call_once(silenced, [] { av_log_set_level(AV_LOG_QUIET); });
}

std::string FfmpegInput::open(const FileSection& section) {
  silence_ffmpeg();
  bytes_ = std::make_unique<SectionReader>(log_.path(), section);
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
  io_.reset(avio_alloc_context(buffer, kBufferBytes, 0, bytes_.get(), read_section, nullptr,
                               seek_section));
  AVFormatContext* input = avformat_alloc_context();
  if (!io_ || !input) return reason_of(AVERROR(ENOMEM));
  input->pb = io_.get();
  input->io_open = refuse_to_open;
  // The name helps to tell kinds of files apart. This frees the input if it fails.
  // What a file names lies elsewhere: no other file is opened for it, and no network.
  AVDictionary* options = nullptr;
  av_dict_set(&options, "protocol_whitelist", "none", 0);
  int result = avformat_open_input(&input, log_.path().c_str(), nullptr, &options);
  av_dict_free(&options);
  if (result < 0) return reason_of(result);
  input_.reset(input);
  result = avformat_find_stream_info(input, nullptr);
  if (result < 0) return reason_of(result);
  return choose_stream();
}

std::string FfmpegInput::choose_stream() {
  std::string reason = "no audio in it";
  std::size_t tracks = 0;
  std::size_t chosen = 0;
  for (AVStream* stream : std::span(input_->streams, input_->nb_streams)) {
    if (stream->codecpar->codec_type != AVMEDIA_TYPE_AUDIO) continue;
    ++tracks;
    const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
    if (!codec)
      reason = std::string("no decoder for ") + avcodec_get_name(stream->codecpar->codec_id);
    const auto is_default = [](const AVStream* any) {
      return (any->disposition & AV_DISPOSITION_DEFAULT) != 0;
    };
    if (!codec || (stream_ && (is_default(stream_) || !is_default(stream)))) continue;
    stream_ = stream;
    codec_ = codec;
    chosen = tracks;
  }
  if (!stream_) return reason;
  if (tracks > 1) log_.warn(fmt::format("{} sound tracks: number {} is read", tracks, chosen));
  // A file without an index is read whole anyway, and all its tracks tell where it ends.
  const bool indexed = is("mov");
  for (AVStream* stream : std::span(input_->streams, input_->nb_streams))
    if (stream != stream_ && (indexed || is_picture(stream))) stream->discard = AVDISCARD_ALL;
  return {};
}

bool FfmpegInput::is(std::string_view container) const noexcept {
  std::string_view names = input_->iformat->name;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    if (name == container) return true;
    names.remove_prefix(std::min(names.size(), name.size() + 1));
  }
  return false;
}

std::optional<std::int64_t> FfmpegInput::stated_frames(int sample_rate_hz) const noexcept {
  if (stream_->duration != AV_NOPTS_VALUE && stream_->duration > 0)
    return av_rescale_q(stream_->duration, stream_->time_base, {1, sample_rate_hz});
  if (input_->duration != AV_NOPTS_VALUE && input_->duration > 0)
    return av_rescale(input_->duration, sample_rate_hz, AV_TIME_BASE);
  return std::nullopt;
}

int FfmpegInput::read(AVPacket& packet) {
  for (;;) {
    av_packet_unref(&packet);
    const int result = av_read_frame(input_.get(), &packet);
    if (bytes_->error() != 0)
      fail(ErrorCode::io, "[AudioReader] {}: {}", log_.file(), std::strerror(bytes_->error()));
    if (result < 0) return result;
    const AVStream* stream = input_->streams[packet.stream_index];
    if (packet.pts != AV_NOPTS_VALUE)
      last_end_seconds_ =
          std::max(last_end_seconds_,
                   static_cast<double>(packet.pts + packet.duration) * av_q2d(stream->time_base));
    if (stream != stream_) continue;
    ++packets_;
    return 0;
  }
}

/// A demuxer takes a file that stops too early for its end; its index or its duration knows better.
void FfmpegInput::check_end(std::int64_t decoded_frames, int sample_rate_hz) {
  const int promised = avformat_index_get_entries_count(stream_);
  if (is("mov") && packets_ < promised)
    log_.ends_early(fmt::format("{} of {}", counted(packets_, "packet"), promised));
  if (const auto stated = counted_frames()) {
    if (decoded_frames < *stated)
      log_.ends_early(fmt::format("{} of {}", counted(decoded_frames, "frame"), *stated));
    if (decoded_frames > *stated)
      log_.warn(fmt::format("its header states {}, there are {}", counted(*stated, "frame"),
                            decoded_frames));
    return;
  }
  if (is("mov") || input_->duration_estimation_method != AVFMT_DURATION_FROM_STREAM ||
      input_->duration == AV_NOPTS_VALUE)
    return;
  // A track may begin late or have gaps: its time counts, or else its samples.
  const double decoded = static_cast<double>(decoded_frames) / std::max(sample_rate_hz, 1);
  const double reached = std::max(decoded, last_end_seconds_);
  const double duration = static_cast<double>(input_->duration) / AV_TIME_BASE;
  if (reached + kRoundingSeconds < duration)
    log_.ends_early(fmt::format("{:.2f} s of {:.2f} s", reached, duration));
}

std::int64_t FfmpegInput::frames_of_last(const AVFrame& frame) const {
  if (!is("mov") || packets_ != avformat_index_get_entries_count(stream_)) return 0;
  return av_rescale_q(frame.pkt_duration, stream_->time_base, {1, frame.sample_rate});
}

bool FfmpegInput::is_complete(std::int64_t decoded_frames) const {
  const auto counted = counted_frames();
  return counted && decoded_frames >= *counted;
}

/// Some containers count their frames.
std::optional<std::int64_t> FfmpegInput::counted_frames() const {
  constexpr std::array<std::string_view, 5> kCounted{"flac", "au", "tta", "wv", "ape"};
  const bool plain = av_get_bits_per_sample(stream_->codecpar->codec_id) > 0;
  const bool counted = std::ranges::any_of(kCounted, [&](auto name) { return is(name); });
  if ((!counted && !(is("caf") && plain)) || stream_->duration <= 0) return std::nullopt;
  return stated_frames(stream_->codecpar->sample_rate);
}

}  // namespace metalaudio::audio
