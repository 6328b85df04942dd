#include "test_files.h"

#include <algorithm>
#include <memory>
#include <string_view>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace metalaudio::audio {
namespace {

void check(int result) {
  if (result < 0) fail(ErrorCode::io, "[test] FFmpeg error {}", result);
}

/// The little of FFmpeg's encoding that the tests need: planar floats into one stream.
class FfmpegEncoder {
 public:
  FfmpegEncoder(const std::filesystem::path& path, std::size_t channels, int sample_rate_hz,
                const char* container, const char* codec) {
    check(avformat_alloc_output_context2(&output_, nullptr, container, path.c_str()));
    const AVCodec* encoder = avcodec_find_encoder_by_name(codec);
    codec_ = avcodec_alloc_context3(encoder);
    // libopus alone takes them interleaved.
    interleaved_ = std::string_view(codec) == "libopus";
    codec_->sample_fmt = interleaved_ ? AV_SAMPLE_FMT_FLT : AV_SAMPLE_FMT_FLTP;
    codec_->sample_rate = sample_rate_hz;
    codec_->bit_rate = 128000 * static_cast<std::int64_t>(channels);
    av_channel_layout_default(&codec_->ch_layout, static_cast<int>(channels));
    if ((output_->oformat->flags & AVFMT_GLOBALHEADER) != 0)
      codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    check(avcodec_open2(codec_, encoder, nullptr));
    stream_ = avformat_new_stream(output_, nullptr);
    check(avcodec_parameters_from_context(stream_->codecpar, codec_));
    stream_->time_base = {1, sample_rate_hz};
    check(avio_open(&output_->pb, path.c_str(), AVIO_FLAG_WRITE));
    check(avformat_write_header(output_, nullptr));
  }
  ~FfmpegEncoder() {
    avio_closep(&output_->pb);
    avformat_free_context(output_);
    avcodec_free_context(&codec_);
    av_frame_free(&frame_);
    av_packet_free(&packet_);
  }
  FfmpegEncoder(const FfmpegEncoder&) = delete;
  FfmpegEncoder& operator=(const FfmpegEncoder&) = delete;

  void encode(const AudioBuffer& samples) {
    const auto size = static_cast<std::size_t>(codec_->frame_size);
    for (std::size_t first = 0; first < samples.frames(); first += size) {
      const std::size_t count = std::min(size, samples.frames() - first);
      av_frame_unref(frame_);
      frame_->nb_samples = static_cast<int>(count);
      frame_->format = codec_->sample_fmt;
      frame_->sample_rate = codec_->sample_rate;
      check(av_channel_layout_copy(&frame_->ch_layout, &codec_->ch_layout));
      check(av_frame_get_buffer(frame_, 0));
      for (std::size_t channel = 0; channel < samples.channels(); ++channel) {
        const auto in = samples.channel(channel).subspan(first, count);
        auto* out = reinterpret_cast<float*>(frame_->extended_data[interleaved_ ? 0 : channel]);
        const std::size_t step = interleaved_ ? samples.channels() : 1;
        for (std::size_t i = 0; i < count; ++i)
          out[i * step + (interleaved_ ? channel : 0)] = in[i];
      }
      frame_->pts = static_cast<std::int64_t>(first);
      check(avcodec_send_frame(codec_, frame_));
      write_packets();
    }
    check(avcodec_send_frame(codec_, nullptr));
    write_packets();
    check(av_write_trailer(output_));
  }

 private:
  void write_packets() {
    while (avcodec_receive_packet(codec_, packet_) == 0) {
      av_packet_rescale_ts(packet_, codec_->time_base, stream_->time_base);
      packet_->stream_index = 0;
      check(av_interleaved_write_frame(output_, packet_));
    }
  }

  bool interleaved_ = false;
  AVFormatContext* output_ = nullptr;
  AVCodecContext* codec_ = nullptr;
  AVStream* stream_ = nullptr;
  AVFrame* frame_ = av_frame_alloc();
  AVPacket* packet_ = av_packet_alloc();
};

void set(AVDictionary*& dictionary, const std::map<std::string, std::string>& texts) {
  for (const auto& [name, text] : texts)
    check(av_dict_set(&dictionary, name.c_str(), text.c_str(), 0));
}

void add_attachment(AVFormatContext* output, const ContainerTags::Attachment& attachment) {
  AVStream* stream = avformat_new_stream(output, nullptr);
  const std::size_t size = attachment.bytes.size();
  stream->codecpar->codec_type = AVMEDIA_TYPE_ATTACHMENT;
  stream->codecpar->extradata =
      static_cast<std::uint8_t*>(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE));
  stream->codecpar->extradata_size = static_cast<int>(size);
  std::ranges::copy(attachment.bytes, stream->codecpar->extradata);
  set(stream->metadata, {{"filename", attachment.name}, {"mimetype", attachment.mime_type}});
}

}  // namespace

void remux_with_ffmpeg(const std::filesystem::path& path, const char* container,
                       const std::vector<std::filesystem::path>& files, std::size_t chosen,
                       double late_seconds, const ContainerTags& tags) {
  AVFormatContext* output = nullptr;
  check(avformat_alloc_output_context2(&output, nullptr, container, path.c_str()));
  std::vector<AVFormatContext*> inputs;
  for (const auto& file : files) {
    AVFormatContext* input = nullptr;
    check(avformat_open_input(&input, file.c_str(), nullptr, nullptr));
    check(avformat_find_stream_info(input, nullptr));
    AVStream* stream = avformat_new_stream(output, nullptr);
    check(avcodec_parameters_copy(stream->codecpar, input->streams[0]->codecpar));
    stream->codecpar->codec_tag = 0;
    stream->disposition = inputs.size() == chosen ? AV_DISPOSITION_DEFAULT : 0;
    set(stream->metadata, tags.track_texts);
    inputs.push_back(input);
  }
  set(output->metadata, tags.texts);
  for (const auto& attachment : tags.attachments) add_attachment(output, attachment);
  check(avio_open(&output->pb, path.c_str(), AVIO_FLAG_WRITE));
  check(avformat_write_header(output, nullptr));
  AVPacket* packet = av_packet_alloc();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const AVStream* out = output->streams[i];
    while (av_read_frame(inputs[i], packet) == 0) {
      packet->stream_index = static_cast<int>(i);
      av_packet_rescale_ts(packet, inputs[i]->streams[0]->time_base, out->time_base);
      const auto late = static_cast<std::int64_t>(late_seconds / av_q2d(out->time_base));
      packet->pts += late;
      packet->dts += late;
      check(av_interleaved_write_frame(output, packet));
    }
    avformat_close_input(&inputs[i]);
  }
  check(av_write_trailer(output));
  av_packet_free(&packet);
  avio_closep(&output->pb);
  avformat_free_context(output);
}

void encode_with_ffmpeg(const std::filesystem::path& path, const AudioBuffer& samples,
                        int sample_rate_hz, const char* container, const char* codec) {
  FfmpegEncoder(path, samples.channels(), sample_rate_hz, container, codec).encode(samples);
}

}  // namespace metalaudio::audio
