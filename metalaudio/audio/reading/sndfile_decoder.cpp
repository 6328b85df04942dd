#include <fmt/format.h>
#include <metalaudio/audio/reading/audio_decoder.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <sndfile.h>

#include <cstdio>
#include <cstring>
#include <vector>

namespace metalaudio::audio {
namespace {

constexpr std::size_t kBlockFrames = 4096;

struct CloseSndfile {
  void operator()(SNDFILE* file) const noexcept { sf_close(file); }
};
using SndfileHandle = std::unique_ptr<SNDFILE, CloseSndfile>;

/// A section as libsndfile's virtual file.
SF_VIRTUAL_IO section_io() {
  SF_VIRTUAL_IO io{};
  io.get_filelen = [](void* self) -> sf_count_t {
    return static_cast<SectionReader*>(self)->size();
  };
  io.seek = [](sf_count_t offset, int whence, void* self) -> sf_count_t {
    auto& section = *static_cast<SectionReader*>(self);
    const std::int64_t from = whence == SEEK_SET   ? 0
                              : whence == SEEK_CUR ? section.position()
                                                   : section.size();
    section.seek(from + offset);
    return section.position();
  };
  io.read = [](void* bytes, sf_count_t count, void* self) -> sf_count_t {
    const std::span to(static_cast<std::byte*>(bytes), static_cast<std::size_t>(count));
    return static_cast<sf_count_t>(static_cast<SectionReader*>(self)->read(to));
  };
  io.write = [](const void*, sf_count_t, void*) -> sf_count_t { return 0; };
  io.tell = [](void* self) -> sf_count_t { return static_cast<SectionReader*>(self)->position(); };
  return io;
}

class SndfileDecoder final : public AudioDecoder {
 public:
  SndfileDecoder(ReadLog& log, std::unique_ptr<SectionReader> bytes, SndfileHandle file,
                 const SF_INFO& info)
      : log_(log), bytes_(std::move(bytes)), file_(std::move(file)), info_(info) {
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
    if (bytes_->error() != 0)
      fail(ErrorCode::io, "[AudioReader] {}: {}", log_.file(), std::strerror(bytes_->error()));
    if (sf_error(file_.get()) != SF_ERR_NO_ERROR)
      fail(ErrorCode::invalid_data, "[AudioReader] {}: damaged after {:.2f} s: {}", log_.file(),
           static_cast<double>(position_) / info_.samplerate, sf_strerror(file_.get()));
    const auto stated = stated_frames();
    if (stated && position_ < *stated)
      log_.ends_early(fmt::format("{} of {}", counted(position_, "frame"), *stated));
  }

  ReadLog& log_;
  std::unique_ptr<SectionReader> bytes_;
  SndfileHandle file_;
  SF_INFO info_;
  std::vector<float> samples_;
  std::int64_t position_ = 0;
};

}  // namespace

std::unique_ptr<AudioDecoder> open_with_sndfile(const FileSection& section, ReadLog& log,
                                                std::string& reason) {
  SF_INFO info{};
  SF_VIRTUAL_IO io = section_io();
  auto bytes = std::make_unique<SectionReader>(log.path(), section);
  SndfileHandle file(sf_open_virtual(&io, SFM_READ, &info, bytes.get()));
  if (!file) {
    if (sf_error(nullptr) != SF_ERR_UNRECOGNISED_FORMAT) reason = sf_strerror(nullptr);
    return nullptr;
  }
  const int type = info.format & SF_FORMAT_TYPEMASK;
  // FFmpeg has refused it, and libsndfile would warn on the terminal.
  if ((type == SF_FORMAT_MPEG && has_ffmpeg()) || info.channels < 1) return nullptr;
  // They would come in the codec's order, not in WAVE's.
  if (type == SF_FORMAT_OGG && info.channels > 2) {
    reason = fmt::format(
        "Ogg of {} needs FFmpeg, which is not in this build; `ffmpeg -i "
        "{} song.wav` converts it",
        counted(info.channels, "channel"), log.file());
    return nullptr;
  }
  return std::make_unique<SndfileDecoder>(log, std::move(bytes), std::move(file), info);
}

}  // namespace metalaudio::audio
