#include <fmt/format.h>
#include <metalaudio/audio/reading/audio_decoder.h>
#include <metalaudio/core/error.h>
#include <sndfile.h>

#include <vector>

namespace metalaudio::audio {
namespace {

constexpr std::size_t kBlockFrames = 4096;

struct CloseSndfile {
  void operator()(SNDFILE* file) const noexcept { sf_close(file); }
};
using SndfileHandle = std::unique_ptr<SNDFILE, CloseSndfile>;

class SndfileDecoder final : public AudioDecoder {
 public:
  SndfileDecoder(ReadLog& log, SndfileHandle file, const SF_INFO& info)
      : log_(log), file_(std::move(file)), info_(info) {
    samples_.resize(kBlockFrames * static_cast<std::size_t>(info.channels));
  }

  std::optional<std::int64_t> stated_frames() const noexcept override {
    // libsndfile gives its largest number for a length that it does not know.
    return info_.frames < SF_COUNT_MAX ? std::optional<std::int64_t>(info_.frames) : std::nullopt;
  }

  bool next(DecodedBlock& block) override {
    const sf_count_t got =
        sf_readf_float(file_.get(), samples_.data(), static_cast<sf_count_t>(kBlockFrames));
    if (got <= 0) {
      check_end();
      return false;
    }
    position_ += got;
    const auto channels = static_cast<std::size_t>(info_.channels);
    block = {info_.samplerate, channels, 0,
             std::span(samples_).first(static_cast<std::size_t>(got) * channels)};
    return true;
  }

 private:
  void check_end() {
    if (sf_error(file_.get()) != SF_ERR_NO_ERROR)
      fail(ErrorCode::invalid_data, "[AudioReader] {}: damaged after {:.2f} s: {}", log_.file(),
           static_cast<double>(position_) / info_.samplerate, sf_strerror(file_.get()));
    const auto stated = stated_frames();
    if (stated && position_ < *stated)
      log_.ends_early(fmt::format("{} frames of {}", position_, *stated));
  }

  ReadLog& log_;
  SndfileHandle file_;
  SF_INFO info_;
  std::vector<float> samples_;
  std::int64_t position_ = 0;
};

}  // namespace

std::unique_ptr<AudioDecoder> open_with_sndfile(ReadLog& log, std::string& reason) {
  SF_INFO info{};
  SndfileHandle file(sf_open(log.path().c_str(), SFM_READ, &info));
  if (!file) {
    if (sf_error(nullptr) != SF_ERR_UNRECOGNISED_FORMAT) reason = sf_strerror(nullptr);
    return nullptr;
  }
  // FFmpeg has refused it, and libsndfile would warn on the terminal.
  if ((info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG || info.channels < 1) return nullptr;
  return std::make_unique<SndfileDecoder>(log, std::move(file), info);
}

}  // namespace metalaudio::audio
