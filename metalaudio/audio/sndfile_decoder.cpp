#include <metalaudio/audio/audio_decoder.h>
#include <metalaudio/core/error.h>
#include <sndfile.h>

#include <utility>

namespace metalaudio::audio {
namespace {

struct CloseSndfile {
  void operator()(SNDFILE* file) const noexcept { sf_close(file); }
};
using SndfileHandle = std::unique_ptr<SNDFILE, CloseSndfile>;

class SndfileDecoder final : public AudioDecoder {
 public:
  SndfileDecoder(std::filesystem::path path, SndfileHandle file, const SF_INFO& info)
      : path_(std::move(path)), file_(std::move(file)) {
    format_.sample_rate_hz = info.samplerate;
    format_.channels = static_cast<std::size_t>(info.channels);
    // libsndfile gives its largest number for a length that it does not know.
    if (info.frames < SF_COUNT_MAX) format_.frames = info.frames;
  }

  const AudioFormat& format() const noexcept override { return format_; }

  std::size_t read(std::span<float> interleaved) override {
    const auto wanted = static_cast<sf_count_t>(interleaved.size() / format_.channels);
    const sf_count_t got = sf_readf_float(file_.get(), interleaved.data(), wanted);
    position_ += got;
    if (got < wanted) check_end();
    return static_cast<std::size_t>(got);
  }

 private:
  void check_end() const {
    if (sf_error(file_.get()) != SF_ERR_NO_ERROR)
      fail(ErrorCode::invalid_data, "[AudioReader] {}: damaged after frame {}: {}", path_.string(),
           position_, sf_strerror(file_.get()));
    if (format_.frames && position_ < *format_.frames)
      fail(ErrorCode::invalid_data, "[AudioReader] {}: truncated: {} frames of {}", path_.string(),
           position_, *format_.frames);
  }

  std::filesystem::path path_;
  SndfileHandle file_;
  AudioFormat format_;
  std::int64_t position_ = 0;
};

}  // namespace

std::unique_ptr<AudioDecoder> open_with_sndfile(const std::filesystem::path& path,
                                                std::string& reason) {
  SF_INFO info{};
  SndfileHandle file(sf_open(path.c_str(), SFM_READ, &info));
  // FFmpeg is to read MPEG audio: libsndfile guesses its length and warns on the terminal.
  if (file && (info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG) return nullptr;
  if (file) return std::make_unique<SndfileDecoder>(path, std::move(file), info);
  if (sf_error(nullptr) != SF_ERR_UNRECOGNISED_FORMAT) reason = sf_strerror(nullptr);
  return nullptr;
}

}  // namespace metalaudio::audio
