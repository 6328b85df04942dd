#include <fmt/format.h>
#include <metalaudio/audio/downmix.h>
#include <metalaudio/audio/reading/ffmpeg_input.h>
#include <metalaudio/audio/resampler.h>
#include <metalaudio/audio/writing/audio_encoder.h>
#include <metalaudio/audio/writing/ffmpeg_output.h>
#include <metalaudio/audio/writing/quantizer.h>
#include <metalaudio/audio/writing/stem_box.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <string>
#include <vector>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
}

namespace metalaudio::audio {
namespace {

constexpr int kOpusRateHz = 48000;
constexpr int kVorbisQuality = 8;
constexpr int kMostVorbisRateHz = 192000;

struct FreeCodec {
  void operator()(AVCodecContext* codec) const noexcept { avcodec_free_context(&codec); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const noexcept { av_packet_free(&packet); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }
};

const char* codec_name(const AudioWriterOptions& options) {
  if (options.type == FileType::ogg) return "libvorbis";
  if (options.type == FileType::opus) return "libopus";
  return options.lossless ? "alac" : "aac";
}

bool is_ogg(const AudioWriterOptions& options) {
  return options.type == FileType::ogg || options.type == FileType::opus;
}

/// The least rate of the codec's that loses nothing, or its highest.
int coded_rate(const AVCodec& codec, const AudioWriterOptions& options) {
  if (options.type == FileType::opus) return kOpusRateHz;
  if (options.type == FileType::ogg) return std::min(options.sample_rate_hz, kMostVorbisRateHz);
  int best = 0;
  int highest = 0;
  for (const int* rate = codec.supported_samplerates; rate && *rate != 0; ++rate) {
    highest = std::max(highest, *rate);
    if (*rate >= options.sample_rate_hz && (best == 0 || *rate < best)) best = *rate;
  }
  if (highest == 0) return options.sample_rate_hz;
  return best != 0 ? best : highest;
}

/// One sound track on its way into the container: channels of the writer's, from one on.
class Track {
 public:
  Track(FfmpegOutput& output, const AudioWriterOptions& options, std::size_t first_channel,
        std::size_t channels, const std::string& file)
      : output_(output),
        file_(file),
        first_channel_(first_channel),
        bits_(options.sample_format == SampleFormat::pcm24 ? 24 : 16),
        quantize_(options.rounding, bits_) {
    const AVCodec* codec = avcodec_find_encoder_by_name(codec_name(options));
    if (!codec)
      fail(ErrorCode::unsupported, "[AudioWriter] {}: this FFmpeg cannot encode {}", file,
           codec_name(options));
    codec_.reset(avcodec_alloc_context3(codec));
    configure(*codec, options, channels);
    const int result = avcodec_open2(codec_.get(), codec, nullptr);
    if (result < 0)
      fail(ErrorCode::unsupported, "[AudioWriter] {}: no {} of {} at {} Hz{}: {}", file,
           extension_of(options.type), counted(channels, "channel"), codec_->sample_rate,
           options.bitrate_kbps ? fmt::format(" and {} kbit/s", *options.bitrate_kbps) : "",
           reason_of(result));
    if (codec_->sample_rate != options.sample_rate_hz)
      resampler_.emplace(options.sample_rate_hz, codec_->sample_rate, channels);
    stream_ = avformat_new_stream(&output.context(), nullptr);
    if (!stream_ || avcodec_parameters_from_context(stream_->codecpar, codec_.get()) < 0)
      fail(ErrorCode::out_of_memory, "[AudioWriter] {}: not enough memory for FFmpeg", file);
    stream_->time_base = codec_->time_base;
    pending_.resize(channels);
  }

  AVStream& stream() const noexcept { return *stream_; }
  int sample_rate_hz() const noexcept { return codec_->sample_rate; }

  void write(std::span<const float> interleaved, std::size_t all_channels) {
    const std::size_t frames = interleaved.size() / all_channels;
    AudioBuffer block(pending_.size(), frames);
    for (std::size_t channel = 0; channel < pending_.size(); ++channel)
      for (std::size_t frame = 0; frame < frames; ++frame)
        block.channel(channel)[frame] =
            interleaved[frame * all_channels + first_channel_ + channel];
    take(resampler_ ? resampler_->process(block) : ConstAudioView(block));
  }

  void finish() {
    if (resampler_) take(resampler_->flush());
    if (const std::size_t left = pending_[0].size() - begin_; left > 0) encode(left);
    send(nullptr);
  }

 private:
  void configure(const AVCodec& codec, const AudioWriterOptions& options, std::size_t channels) {
    codec_->sample_rate = coded_rate(codec, options);
    codec_->time_base = {1, codec_->sample_rate};
    codec_->thread_count = 1;
    codec_->sample_fmt = options.type == FileType::opus ? AV_SAMPLE_FMT_FLT
                         : !is_lossless(options)        ? AV_SAMPLE_FMT_FLTP
                         : bits_ == 24                  ? AV_SAMPLE_FMT_S32P
                                                        : AV_SAMPLE_FMT_S16P;
    if (is_lossless(options)) codec_->bits_per_raw_sample = bits_;
    const std::uint32_t mask = options.channel_mask != 0 && options.channels == channels
                                   ? options.channel_mask
                                   : usual_channel_mask(channels);
    if (av_channel_layout_from_mask(&codec_->ch_layout, mask) < 0 ||
        codec_->ch_layout.nb_channels != static_cast<int>(channels))
      av_channel_layout_default(&codec_->ch_layout, static_cast<int>(channels));
    if (options.bitrate_kbps) {
      codec_->bit_rate = std::int64_t{1000} * *options.bitrate_kbps;
    } else if (options.type == FileType::ogg) {
      codec_->flags |= AV_CODEC_FLAG_QSCALE;
      codec_->global_quality = kVorbisQuality * FF_QP2LAMBDA;
    } else {
      const int each = options.type == FileType::opus ? 96000 : 128000;
      codec_->bit_rate = static_cast<std::int64_t>(channels) * each;
    }
    codec_->flags |= AV_CODEC_FLAG_BITEXACT;
    if ((output_.context().oformat->flags & AVFMT_GLOBALHEADER) != 0)
      codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }

  static bool is_lossless(const AudioWriterOptions& options) {
    return !is_ogg(options) && options.lossless;
  }

  void take(ConstAudioView view) {
    for (std::size_t channel = 0; channel < pending_.size(); ++channel) {
      const auto samples = view.channel(channel);
      pending_[channel].insert(pending_[channel].end(), samples.begin(), samples.end());
    }
    const auto size = static_cast<std::size_t>(codec_->frame_size);
    while (pending_[0].size() - begin_ >= size) encode(size);
    for (std::vector<float>& samples : pending_)
      samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }

  void encode(std::size_t frames) {
    av_frame_unref(frame_.get());
    frame_->nb_samples = static_cast<int>(frames);
    frame_->format = codec_->sample_fmt;
    frame_->sample_rate = codec_->sample_rate;
    frame_->pts = position_;
    check(av_channel_layout_copy(&frame_->ch_layout, &codec_->ch_layout));
    check(av_frame_get_buffer(frame_.get(), 0));
    const std::size_t channels = pending_.size();
    for (std::size_t channel = 0; channel < channels; ++channel) {
      const auto samples = std::span(pending_[channel]).subspan(begin_, frames);
      switch (codec_->sample_fmt) {
        case AV_SAMPLE_FMT_FLT:
          fill(samples, reinterpret_cast<float*>(frame_->data[0]) + channel, channels);
          break;
        case AV_SAMPLE_FMT_FLTP:
          fill(samples, reinterpret_cast<float*>(frame_->extended_data[channel]), 1);
          break;
        case AV_SAMPLE_FMT_S16P:
          std::ranges::transform(samples,
                                 reinterpret_cast<std::int16_t*>(frame_->extended_data[channel]),
                                 [&](float x) { return static_cast<std::int16_t>(quantize_(x)); });
          break;
        default:
          std::ranges::transform(samples,
                                 reinterpret_cast<std::int32_t*>(frame_->extended_data[channel]),
                                 [&](float x) { return quantize_(x) * 256; });
      }
    }
    begin_ += frames;
    position_ += static_cast<std::int64_t>(frames);
    send(frame_.get());
  }

  static void fill(std::span<const float> samples, float* out, std::size_t step) {
    for (const float sample : samples) {
      *out = std::clamp(sample, -1.0F, 1.0F);
      out += step;
    }
  }

  void send(AVFrame* frame) {
    check(avcodec_send_frame(codec_.get(), frame));
    for (;;) {
      const int result = avcodec_receive_packet(codec_.get(), packet_.get());
      if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
      check(result);
      packet_->stream_index = stream_->index;
      av_packet_rescale_ts(packet_.get(), codec_->time_base, stream_->time_base);
      output_.write(*packet_);
    }
  }

  void check(int result) const {
    if (result < 0) fail(ErrorCode::io, "[AudioWriter] {}: FFmpeg: {}", file_, reason_of(result));
  }

  FfmpegOutput& output_;
  std::string file_;
  std::size_t first_channel_;
  int bits_;
  Quantizer quantize_;
  std::unique_ptr<AVCodecContext, FreeCodec> codec_;
  std::unique_ptr<AVPacket, FreePacket> packet_{av_packet_alloc()};
  std::unique_ptr<AVFrame, FreeFrame> frame_{av_frame_alloc()};
  std::optional<Resampler> resampler_;
  AVStream* stream_ = nullptr;
  std::vector<std::vector<float>> pending_;  // of each channel, from begin_ on
  std::size_t begin_ = 0;
  std::int64_t position_ = 0;
};

class FfmpegEncoder final : public AudioEncoder {
 public:
  FfmpegEncoder(OutputFile& file, const AudioWriterOptions& options)
      : file_(file), options_(options), output_(file, is_ogg(options) ? "ogg" : "ipod") {
    const std::size_t tracks = 1 + (options.type == FileType::stem_m4a ? options.stems.size() : 0);
    const std::size_t channels = options.channels / tracks;
    for (std::size_t i = 0; i < tracks; ++i)
      tracks_.push_back(std::make_unique<Track>(output_, options, i * channels, channels,
                                                file.target().string()));
    // Players that know no stems play the tracks that are marked: the mix alone.
    tracks_.front()->stream().disposition = AV_DISPOSITION_DEFAULT;
    output_.write_header(tracks_.front()->sample_rate_hz());
  }

  void write(std::span<const float> interleaved) override {
    for (const auto& track : tracks_) track->write(interleaved, options_.channels);
  }

  void finish() override {
    for (const auto& track : tracks_) track->finish();
    output_.write_trailer();
    if (options_.type == FileType::stem_m4a) write_stem_box(file_, options_.stems);
  }

 private:
  OutputFile& file_;
  AudioWriterOptions options_;
  FfmpegOutput output_;
  std::vector<std::unique_ptr<Track>> tracks_;
};

}  // namespace

std::unique_ptr<AudioEncoder> make_ffmpeg_encoder(OutputFile& file,
                                                  const AudioWriterOptions& options) {
  silence_ffmpeg();
  return std::make_unique<FfmpegEncoder>(file, options);
}

}  // namespace metalaudio::audio
