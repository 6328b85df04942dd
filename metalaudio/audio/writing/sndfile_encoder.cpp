#include <metalaudio/audio/downmix.h>
#include <metalaudio/audio/writing/audio_encoder.h>
#include <metalaudio/audio/writing/quantizer.h>
#include <metalaudio/core/error.h>
#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>
#include <vector>

namespace metalaudio::audio {
namespace {

/// Where the 32-bit lengths of a WAV file end, less room for its header.
constexpr std::int64_t kWavBytes = 0xFFFFFFFF - 4096;
/// What tags may take behind the samples, their texts twice.
constexpr std::int64_t kTagBytes =
    2 * Tags::kMostTextBytes + Tags::kMostPicturesBytes + (std::int64_t{1} << 20);

std::int64_t bytes_per_frame(const AudioWriterOptions& options) {
  const int bytes = options.sample_format == SampleFormat::pcm16   ? 2
                    : options.sample_format == SampleFormat::pcm24 ? 3
                                                                   : 4;
  return static_cast<std::int64_t>(options.channels) * bytes;
}

std::int64_t most_wav_frames(const AudioWriterOptions& options) {
  return (kWavBytes - (options.tags.empty() ? 0 : kTagBytes)) / bytes_per_frame(options);
}

enum class WavKind { plain, perhaps_long, long_ };

/// An expectation may be wrong, by less than half of it.
WavKind kind_of(const AudioWriterOptions& options) {
  const std::int64_t most = most_wav_frames(options);
  const std::int64_t expected = options.expected_frames.value_or(0);
  if (expected > most) return WavKind::long_;
  return options.may_be_long || expected > most / 2 ? WavKind::perhaps_long : WavKind::plain;
}

/// libsndfile's names for the speakers of a mask, in their order.
std::vector<int> channel_map(std::uint32_t mask) {
  constexpr std::array<int, 18> kSpeakers{SF_CHANNEL_MAP_LEFT,
                                          SF_CHANNEL_MAP_RIGHT,
                                          SF_CHANNEL_MAP_CENTER,
                                          SF_CHANNEL_MAP_LFE,
                                          SF_CHANNEL_MAP_REAR_LEFT,
                                          SF_CHANNEL_MAP_REAR_RIGHT,
                                          SF_CHANNEL_MAP_FRONT_LEFT_OF_CENTER,
                                          SF_CHANNEL_MAP_FRONT_RIGHT_OF_CENTER,
                                          SF_CHANNEL_MAP_REAR_CENTER,
                                          SF_CHANNEL_MAP_SIDE_LEFT,
                                          SF_CHANNEL_MAP_SIDE_RIGHT,
                                          SF_CHANNEL_MAP_TOP_CENTER,
                                          SF_CHANNEL_MAP_TOP_FRONT_LEFT,
                                          SF_CHANNEL_MAP_TOP_FRONT_CENTER,
                                          SF_CHANNEL_MAP_TOP_FRONT_RIGHT,
                                          SF_CHANNEL_MAP_TOP_REAR_LEFT,
                                          SF_CHANNEL_MAP_TOP_REAR_CENTER,
                                          SF_CHANNEL_MAP_TOP_REAR_RIGHT};
  std::vector<int> map;
  for (std::size_t speaker = 0; speaker < kSpeakers.size(); ++speaker)
    if ((mask >> speaker & 1) != 0) map.push_back(kSpeakers[speaker]);
  return map;
}

SF_INFO info_of(const AudioWriterOptions& options) {
  SF_INFO info{};
  info.samplerate = options.sample_rate_hz;
  info.channels = static_cast<int>(options.channels);
  const int container = options.type == FileType::flac       ? SF_FORMAT_FLAC
                        : kind_of(options) != WavKind::plain ? SF_FORMAT_RF64
                        : options.channels > 2               ? SF_FORMAT_WAVEX
                                                             : SF_FORMAT_WAV;
  const int samples = options.sample_format == SampleFormat::pcm16   ? SF_FORMAT_PCM_16
                      : options.sample_format == SampleFormat::pcm24 ? SF_FORMAT_PCM_24
                                                                     : SF_FORMAT_FLOAT;
  info.format = container | samples;
  return info;
}

/// libsndfile's view of an OutputFile, which remembers why a write failed.
SF_VIRTUAL_IO virtual_file() {
  SF_VIRTUAL_IO io{};
  io.get_filelen = [](void* file) -> sf_count_t { return static_cast<OutputFile*>(file)->size(); };
  io.tell = [](void* file) -> sf_count_t { return static_cast<OutputFile*>(file)->position(); };
  io.seek = [](sf_count_t offset, int whence, void* user) -> sf_count_t {
    auto* file = static_cast<OutputFile*>(user);
    const std::int64_t base = whence == SEEK_SET   ? 0
                              : whence == SEEK_CUR ? file->position()
                                                   : file->size();
    file->seek(base + offset);
    return file->position();
  };
  io.read = [](void* bytes, sf_count_t count, void* file) -> sf_count_t {
    const std::span buffer(static_cast<std::byte*>(bytes), static_cast<std::size_t>(count));
    return static_cast<sf_count_t>(static_cast<OutputFile*>(file)->read(buffer));
  };
  io.write = [](const void* bytes, sf_count_t count, void* file) -> sf_count_t {
    const std::span buffer(static_cast<const std::byte*>(bytes), static_cast<std::size_t>(count));
    return static_cast<OutputFile*>(file)->try_write(buffer) ? count : 0;
  };
  return io;
}

class SndfileEncoder final : public AudioEncoder {
 public:
  SndfileEncoder(OutputFile& file, const AudioWriterOptions& options)
      : file_(file),
        options_(options),
        io_(virtual_file()),
        limited_(is_wav()),
        bits_(options.sample_format == SampleFormat::pcm16 ? 16 : 24),
        quantize_(options.rounding, bits_) {
    SF_INFO info = info_of(options);
    sndfile_.reset(sf_open_virtual(&io_, SFM_WRITE, &info, &file_));
    if (!sndfile_) {
      file_.check();
      fail(ErrorCode::unsupported, "[AudioWriter] {}: {}", file_.target().string(),
           sf_strerror(nullptr));
    }
    // The PEAK chunk carries the time of day: equal samples would not give equal files.
    sf_command(sndfile_.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
    if (options.type == FileType::wav && kind_of(options) == WavKind::perhaps_long)
      sf_command(sndfile_.get(), SFC_RF64_AUTO_DOWNGRADE, nullptr, SF_TRUE);
    if (options.type == FileType::wav && options.channels > 2) name_speakers();
  }

  void write(std::span<const float> interleaved) override {
    const auto frames = static_cast<sf_count_t>(interleaved.size() / options_.channels);
    written_ += frames;
    if (limited_ && written_ > most_wav_frames(options_))
      fail(ErrorCode::unsupported, "[AudioWriter] {}: above 4 GiB: needs expected_frames",
           file_.target().string());
    const sf_count_t done = options_.sample_format == SampleFormat::float32
                                ? sf_writef_float(sndfile_.get(), interleaved.data(), frames)
                                : write_integers(interleaved, frames);
    file_.check();
    if (done != frames) fail_encoding();
  }

  void finish() override {
    const int result = sf_close(sndfile_.release());
    file_.check();
    if (result != 0)
      fail(ErrorCode::io, "[AudioWriter] {}: {}", file_.target().string(), sf_error_number(result));
  }

 private:
  struct Close {
    void operator()(SNDFILE* file) const noexcept { sf_close(file); }
  };

  bool is_wav() const {
    return options_.type == FileType::wav && kind_of(options_) == WavKind::plain;
  }

  /// Without them libsndfile states that the channels have none.
  void name_speakers() {
    const std::uint32_t mask =
        options_.channel_mask != 0 ? options_.channel_mask : usual_channel_mask(options_.channels);
    std::vector<int> map = channel_map(mask);
    if (map.size() == options_.channels)
      sf_command(sndfile_.get(), SFC_SET_CHANNEL_MAP_INFO, map.data(),
                 static_cast<int>(map.size() * sizeof(int)));
  }

  /// Of 32 bits libsndfile takes the upper ones; 16 it writes as they are.
  sf_count_t write_integers(std::span<const float> interleaved, sf_count_t frames) {
    if (bits_ == 16) {
      quantize_(interleaved, 1, shorts_);
      return sf_writef_short(sndfile_.get(), shorts_.data(), frames);
    }
    quantize_(interleaved, 1 << (32 - bits_), integers_);
    return sf_writef_int(sndfile_.get(), integers_.data(), frames);
  }

  [[noreturn]] void fail_encoding() const {
    fail(ErrorCode::io, "[AudioWriter] {}: {}", file_.target().string(),
         sf_strerror(sndfile_.get()));
  }

  OutputFile& file_;
  AudioWriterOptions options_;
  SF_VIRTUAL_IO io_;
  bool limited_;
  int bits_;
  Quantizer quantize_;
  std::unique_ptr<SNDFILE, Close> sndfile_;
  std::vector<int> integers_;
  std::vector<short> shorts_;
  std::int64_t written_ = 0;
};

}  // namespace

std::unique_ptr<AudioEncoder> make_sndfile_encoder(OutputFile& file,
                                                   const AudioWriterOptions& options) {
  return std::make_unique<SndfileEncoder>(file, options);
}

}  // namespace metalaudio::audio
