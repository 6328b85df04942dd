#include <lame/lame.h>
#include <metalaudio/audio/writing/audio_encoder.h>
#include <metalaudio/audio/writing/quantizer.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <vector>

namespace metalaudio::audio {
namespace {

/// LAME's bound for what one call may give: 1.25 bytes per sample and 7200 more.
std::size_t most_bytes(std::size_t frames) { return frames * 5 / 4 + 7200; }

void keep_quiet(const char*, va_list) {}

class Mp3Encoder final : public AudioEncoder {
 public:
  Mp3Encoder(OutputFile& file, const AudioWriterOptions& options)
      : file_(file),
        channels_(options.channels),
        quantize_(options.rounding, 16),
        lame_(lame_init()) {
    if (!lame_)
      fail(ErrorCode::out_of_memory, "[AudioWriter] {}: not enough memory for LAME", name());
    lame_global_flags* lame = lame_.get();
    lame_set_errorf(lame, keep_quiet);
    lame_set_msgf(lame, keep_quiet);
    lame_set_debugf(lame, keep_quiet);
    lame_set_in_samplerate(lame, options.sample_rate_hz);
    lame_set_num_channels(lame, static_cast<int>(channels_));
    lame_set_brate(lame, options.mp3_bitrate_kbps);
    lame_set_quality(lame, options.mp3_preset);
    lame_set_VBR(lame, vbr_off);
    // The first frame says how many samples to leave out, so that players give the exact length.
    lame_set_bWriteVbrTag(lame, 1);
    if (lame_init_params(lame) < 0)
      fail(ErrorCode::unsupported, "[AudioWriter] {}: no MP3 of {} Hz at {} kbit/s", name(),
           options.sample_rate_hz, options.mp3_bitrate_kbps);
  }

  void write(std::span<const float> interleaved) override {
    const std::size_t frames = interleaved.size() / channels_;
    quantize_(interleaved, 1, samples_);
    bytes_.resize(most_bytes(frames));
    // LAME's call for interleaved samples is for two channels alone.
    const int count =
        channels_ == 2
            ? lame_encode_buffer_interleaved(lame_.get(), samples_.data(), static_cast<int>(frames),
                                             bytes_.data(), static_cast<int>(bytes_.size()))
            : lame_encode_buffer(lame_.get(), samples_.data(), samples_.data(),
                                 static_cast<int>(frames), bytes_.data(),
                                 static_cast<int>(bytes_.size()));
    put(count);
  }

  void finish() override {
    bytes_.resize(most_bytes(0));
    put(lame_encode_flush(lame_.get(), bytes_.data(), static_cast<int>(bytes_.size())));
    // LAME left a silent frame at the front for this.
    const std::size_t count = lame_get_lametag_frame(lame_.get(), bytes_.data(), bytes_.size());
    file_.seek(0);
    if (count <= bytes_.size()) put(static_cast<int>(count));
  }

 private:
  struct Close {
    void operator()(lame_global_flags* lame) const noexcept { lame_close(lame); }
  };

  std::string name() const { return file_.target().string(); }

  void put(int count) {
    if (count < 0) fail(ErrorCode::io, "[AudioWriter] {}: LAME error {}", name(), count);
    file_.write(std::as_bytes(std::span(bytes_).first(static_cast<std::size_t>(count))));
  }

  OutputFile& file_;
  std::size_t channels_;
  Quantizer quantize_;
  std::unique_ptr<lame_global_flags, Close> lame_;
  std::vector<short> samples_;
  std::vector<unsigned char> bytes_;
};

}  // namespace

std::unique_ptr<AudioEncoder> make_mp3_encoder(OutputFile& file,
                                               const AudioWriterOptions& options) {
  return std::make_unique<Mp3Encoder>(file, options);
}

}  // namespace metalaudio::audio
