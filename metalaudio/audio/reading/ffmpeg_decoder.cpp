#include <fmt/format.h>
#include <metalaudio/audio/reading/audio_decoder.h>
#include <metalaudio/audio/reading/ffmpeg_input.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

extern "C" {
#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>
}

namespace metalaudio::audio {
namespace {

/// What parsers and codecs still hold back where a file is cut; more than that is damage within it.
constexpr int kMostFramesAfterCut = 4;
/// Two of Vorbis' largest blocks.
constexpr std::int64_t kMostVorbisPadding = 16384;
/// Frames of a bare stream that may fail to decode before the file counts as damaged.
constexpr std::int64_t kMostPassedOver = 100;

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

/// The channels of a layout in WAVE's order, and their mask; 0 where a layout names no speakers.
std::uint32_t wave_order(const AVChannelLayout& layout, std::vector<std::size_t>& order) {
  order.resize(static_cast<std::size_t>(layout.nb_channels));
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::uint64_t mask = layout.order == AV_CHANNEL_ORDER_NATIVE ? layout.u.mask : 0;
  if (layout.order == AV_CHANNEL_ORDER_CUSTOM) {
    const auto speaker = [&](std::size_t channel) { return layout.u.map[channel].id; };
    for (const std::size_t channel : order) {
      if (speaker(channel) < 0 || speaker(channel) >= 32) return 0;
      mask |= std::uint64_t{1} << speaker(channel);
    }
    std::ranges::stable_sort(order, {}, speaker);
  }
  // Two channels of one speaker, and the ones that WAVE has no bits for.
  const bool is_wave = mask < (std::uint64_t{1} << 32) &&
                       std::popcount(mask) == static_cast<int>(layout.nb_channels);
  return is_wave ? static_cast<std::uint32_t>(mask) : 0;
}

class FfmpegDecoder final : public AudioDecoder {
 public:
  explicit FfmpegDecoder(ReadLog& log) : log_(log), input_(log) {}

  /// Returns the reason if that fails.
  std::string open(const FileSection& section);

  bool next(DecodedBlock& block) override;
  std::optional<std::int64_t> stated_frames() const noexcept override {
    return input_.stated_frames(std::max(codec_->sample_rate, 1));
  }

 private:
  bool decode_frame();
  void send_packet();
  void pass_over_or_keep(int result);
  void convert_frame();
  void cut_vorbis();
  void open_converter();
  void check(int result) const;
  [[noreturn]] void fail_damaged() const;
  void end();
  /// Samples without a code, whose last packet is marked as damaged for being short.
  bool is_plain() const { return av_get_bits_per_sample(codec_->codec_id) > 0; }
  bool is_bare() const {
    constexpr std::array<std::string_view, 8> kBare{"mp3", "aac",  "ac3", "eac3",
                                                    "dts", "loas", "amr", "mpegts"};
    return std::ranges::any_of(kBare, [&](auto name) { return input_.is(name); });
  }
  std::string when() const {
    return fmt::format("after {:.2f} s",
                       static_cast<double>(decoded_frames_) / std::max(codec_->sample_rate, 1));
  }

  ReadLog& log_;
  FfmpegInput input_;
  std::unique_ptr<AVCodecContext, FreeCodec> codec_;
  std::unique_ptr<AVPacket, FreePacket> packet_{av_packet_alloc()};
  std::unique_ptr<AVFrame, FreeFrame> frame_{av_frame_alloc()};
  std::unique_ptr<SwrContext, FreeConverter> converter_;
  AVSampleFormat sample_format_ = AV_SAMPLE_FMT_NONE;
  std::size_t channels_ = 0;
  std::vector<std::size_t> order_;
  std::vector<float> samples_;
  std::vector<float> reordered_;
  std::optional<std::int64_t> vorbis_end_;
  std::vector<float> behind_end_;
  std::string damage_;  // that stands at the end of the file unless sound follows
  int frames_after_damage_ = 0;
  std::int64_t passed_over_ = 0;
  std::int64_t decoded_frames_ = 0;
};

std::string FfmpegDecoder::open(const FileSection& section) {
  if (std::string reason = input_.open(section); !reason.empty()) return reason;
  codec_.reset(avcodec_alloc_context3(&input_.codec()));
  check(avcodec_parameters_to_context(codec_.get(), input_.stream().codecpar));
  codec_->pkt_timebase = input_.stream().time_base;
  codec_->thread_count = 1;
  // Lossless codecs have checksums that hold in every whole file; in others wrong ones are common.
  for (const AVCodecID lossless : {AV_CODEC_ID_FLAC, AV_CODEC_ID_WAVPACK, AV_CODEC_ID_TTA})
    if (codec_->codec_id == lossless) codec_->err_recognition |= AV_EF_CRCCHECK | AV_EF_EXPLODE;
  // FFmpeg counts a first packet that holds no sound, and so leaves out the last 128 samples.
  const AVStream& stream = input_.stream();
  if (input_.is("ogg") && codec_->codec_id == AV_CODEC_ID_VORBIS && stream.start_time == 0 &&
      stream.duration > 0) {
    codec_->flags2 |= AV_CODEC_FLAG2_SKIP_MANUAL;
    vorbis_end_ = input_.stated_frames(codec_->sample_rate);
  }
  const int result = avcodec_open2(codec_.get(), &input_.codec(), nullptr);
  return result < 0 ? reason_of(result) : "";
}

bool FfmpegDecoder::next(DecodedBlock& block) {
  do {
    if (!decode_frame()) {
      end();
      return false;
    }
    if (!damage_.empty() && ++frames_after_damage_ > kMostFramesAfterCut) fail_damaged();
    convert_frame();
  } while (samples_.empty());
  block.sample_rate_hz = frame_->sample_rate;
  block.channels = channels_;
  block.channel_mask = wave_order(frame_->ch_layout, order_);
  block.interleaved = samples_;
  if (std::ranges::is_sorted(order_)) return true;
  reordered_.resize(samples_.size());
  for (std::size_t first = 0; first < samples_.size(); first += channels_)
    for (std::size_t channel = 0; channel < channels_; ++channel)
      reordered_[first + channel] = samples_[first + order_[channel]];
  block.interleaved = reordered_;
  return true;
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
    pass_over_or_keep(result);
    if (result == 0 && frame_->nb_samples > 0 && frame_->ch_layout.nb_channels > 0) return true;
  }
}

/// Gives the codec the next packet of the stream, or the word that there are no more.
void FfmpegDecoder::send_packet() {
  const int result = input_.read(*packet_);
  if (result < 0) {
    if (result != AVERROR_EOF) pass_over_or_keep(result);
    check(avcodec_send_packet(codec_.get(), nullptr));
    return;
  }
  if ((packet_->flags & AV_PKT_FLAG_CORRUPT) != 0 && !is_plain() && !is_bare()) {
    pass_over_or_keep(AVERROR_INVALIDDATA);
    return;
  }
  pass_over_or_keep(avcodec_send_packet(codec_.get(), packet_.get()));
}

/// A bare stream of frames may start within one and hold tags, and players go on after both.
void FfmpegDecoder::pass_over_or_keep(int result) {
  if (result >= 0) return;
  if (result == AVERROR(ENOMEM))
    fail(ErrorCode::out_of_memory, "[AudioReader] {}: not enough memory", log_.file());
  if (result == AVERROR_INVALIDDATA && is_bare() && ++passed_over_ <= kMostPassedOver) {
    log_.warn("what is no sound in it is passed over, first " + when());
    return;
  }
  if (damage_.empty()) damage_ = when() + ": " + reason_of(result);
}

void FfmpegDecoder::open_converter() {
  const auto format = static_cast<AVSampleFormat>(frame_->format);
  const auto channels = static_cast<std::size_t>(frame_->ch_layout.nb_channels);
  if (converter_ && format == sample_format_ && channels == channels_) return;
  sample_format_ = format;
  channels_ = channels;
  // Without a layout it has nothing to mix.
  AVChannelLayout layout{};
  layout.order = AV_CHANNEL_ORDER_UNSPEC;
  layout.nb_channels = frame_->ch_layout.nb_channels;
  SwrContext* converter = nullptr;
  check(swr_alloc_set_opts2(&converter, &layout, AV_SAMPLE_FMT_FLT, frame_->sample_rate, &layout,
                            format, frame_->sample_rate, 0, nullptr));
  converter_.reset(converter);
  check(swr_init(converter_.get()));
}

void FfmpegDecoder::convert_frame() {
  open_converter();
  samples_.resize(static_cast<std::size_t>(frame_->nb_samples) * channels_);
  auto* out = reinterpret_cast<std::uint8_t*>(samples_.data());
  check(swr_convert(converter_.get(), &out, frame_->nb_samples,
                    const_cast<const std::uint8_t**>(frame_->extended_data), frame_->nb_samples));
  decoded_frames_ += frame_->nb_samples;
  if (vorbis_end_) return cut_vorbis();
  // FFmpeg leaves out what lies before the sound, but not what the last packet has behind it.
  const std::int64_t sound = input_.frames_of_last(*frame_);
  if (sound <= 0 || sound >= frame_->nb_samples) return;
  decoded_frames_ -= frame_->nb_samples - sound;
  samples_.resize(static_cast<std::size_t>(sound) * channels_);
}

/// What lies behind the stated end is kept back, since much may follow: then the end was none.
void FfmpegDecoder::cut_vorbis() {
  samples_.insert(samples_.begin(), behind_end_.begin(), behind_end_.end());
  behind_end_.clear();
  const std::int64_t behind = decoded_frames_ - *vorbis_end_;
  if (behind > kMostVorbisPadding) vorbis_end_.reset();
  if (behind <= 0 || behind > kMostVorbisPadding) return;
  const auto frames = static_cast<std::int64_t>(samples_.size() / channels_);
  const auto kept = static_cast<std::ptrdiff_t>(std::max<std::int64_t>(frames - behind, 0) *
                                                static_cast<std::int64_t>(channels_));
  behind_end_.assign(samples_.begin() + kept, samples_.end());
  samples_.resize(static_cast<std::size_t>(kept));
}

void FfmpegDecoder::end() {
  if (decoded_frames_ == 0 && !damage_.empty()) fail_damaged();
  if (!damage_.empty() && input_.is_complete(decoded_frames_))
    log_.warn("what follows its last frame is no sound");
  else if (!damage_.empty())
    return log_.ends_early("damaged " + damage_);
  input_.check_end(decoded_frames_, codec_->sample_rate);
}

void FfmpegDecoder::fail_damaged() const {
  fail(ErrorCode::invalid_data, "[AudioReader] {}: damaged {}", log_.file(), damage_);
}

void FfmpegDecoder::check(int result) const {
  if (result < 0)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: damaged {}: {}", log_.file(), when(),
         reason_of(result));
}

}  // namespace

bool has_ffmpeg() noexcept { return true; }

std::unique_ptr<AudioDecoder> open_with_ffmpeg(const FileSection& section, ReadLog& log,
                                               std::string& reason) {
  auto decoder = std::make_unique<FfmpegDecoder>(log);
  reason = decoder->open(section);
  return reason.empty() ? std::move(decoder) : nullptr;
}

}  // namespace metalaudio::audio
