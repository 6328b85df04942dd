#include <metalaudio/audio/audio_source.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/segment_run.h>
#include <metalaudio/separation/separation_stream.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace metalaudio::separation {
namespace {

/// The end of what has been pushed, as long as somebody needs it.
class PushedAudio final : public audio::AudioSource {
 public:
  PushedAudio(std::size_t channels, int sample_rate_hz)
      : channels_(channels), sample_rate_hz_(sample_rate_hz) {}

  std::int64_t frames() const noexcept override { return end_; }
  std::size_t channels() const noexcept override { return channels_.size(); }
  int sample_rate_hz() const noexcept override { return sample_rate_hz_; }

  void read(std::int64_t first_frame, AudioView out) const override {
    for (std::size_t c = 0; c < out.channels(); ++c) {
      const std::span<float> samples = out.channel(c);
      for (std::size_t i = 0; i < samples.size(); ++i) {
        const std::int64_t frame = first_frame + static_cast<std::int64_t>(i);
        const bool there = frame >= first_ && frame < end_;
        samples[i] = there ? channels_[c][static_cast<std::size_t>(frame - first_)] : 0.0F;
      }
    }
  }

  void append(ConstAudioView mix) {
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      const std::span<const float> samples = mix.channel(c);
      channels_[c].insert(channels_[c].end(), samples.begin(), samples.end());
    }
    end_ += static_cast<std::int64_t>(mix.frames());
  }

  /// Rarely moves what stays, so that small blocks cost no more than large ones.
  void drop_before(std::int64_t frame) {
    const std::int64_t count = std::min(frame, end_) - first_;
    if (count <= 0 || count < (end_ - first_) / 2) return;
    for (std::vector<float>& samples : channels_)
      samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count));
    first_ += count;
  }

 private:
  std::vector<std::vector<float>> channels_;
  int sample_rate_hz_;
  std::int64_t first_ = 0;
  std::int64_t end_ = 0;
};

void check_finite(ConstAudioView mix, std::int64_t first_frame) {
  for (std::size_t c = 0; c < mix.channels(); ++c) {
    const std::span<const float> samples = mix.channel(c);
    const auto bad = std::ranges::find_if(samples, [](float x) { return !std::isfinite(x); });
    if (bad != samples.end())
      fail(ErrorCode::invalid_data, "[SeparationStream] sample {} of channel {} is {}",
           first_frame + (bad - samples.begin()), c + 1, *bad);
  }
}

const SeparationOptions& checked(const SeparationOptions& options, const StreamOptions& stream) {
  if (!options.split)
    fail(ErrorCode::invalid_argument, "[SeparationStream] a stream has to be split in segments");
  if (options.normalise && !stream.level)
    fail(ErrorCode::invalid_argument,
         "[SeparationStream] the level of a mix that has not been heard: give one, or turn "
         "normalise off");
  return options;
}

}  // namespace

struct SeparationStream::Impl {
  Impl(Separator& separator, const SeparationOptions& options, const StreamOptions& stream,
       Separator::Sink sink)
      : pushed(separator.channels(), separator.sample_rate_hz()),
        run(separator.members_, separator.sources(), pushed, checked(options, stream),
            SegmentRun::kUnknownEnd, separator.pool_),
        on_block(std::move(sink)),
        control{{}, stream.stop, stream.segment} {
    if (options.normalise) run.set_level(*stream.level);
  }

  void advance() {
    while (run.advance(on_block, control)) pushed.drop_before(run.first_needed_frame());
  }

  PushedAudio pushed;
  SegmentRun run;
  Separator::Sink on_block;
  SeparationControl control;
  bool finished = false;
};

SeparationStream::SeparationStream(Separator& separator, const SeparationOptions& options,
                                   const StreamOptions& stream, Separator::Sink on_block)
    : impl_(std::make_unique<Impl>(separator, options, stream, std::move(on_block))) {}
SeparationStream::~SeparationStream() = default;
SeparationStream::SeparationStream(SeparationStream&&) noexcept = default;
SeparationStream& SeparationStream::operator=(SeparationStream&&) noexcept = default;

void SeparationStream::push(ConstAudioView mix) {
  if (impl_->finished)
    fail(ErrorCode::invalid_argument, "[SeparationStream] pushed to after its end");
  if (mix.channels() != impl_->pushed.channels())
    fail(ErrorCode::invalid_argument, "[SeparationStream] a block of {} channels: expected {}",
         mix.channels(), impl_->pushed.channels());
  check_finite(mix, impl_->pushed.frames());
  impl_->pushed.append(mix);
  impl_->advance();
}

void SeparationStream::finish() {
  if (std::exchange(impl_->finished, true))
    fail(ErrorCode::invalid_argument, "[SeparationStream] finished twice");
  if (impl_->pushed.frames() == 0)
    fail(ErrorCode::invalid_data, "[SeparationStream] the audio is empty");
  impl_->run.set_end(impl_->pushed.frames());
  impl_->advance();
}

std::int64_t SeparationStream::latency_samples() const noexcept {
  return static_cast<std::int64_t>(impl_->run.longest_window()) - 1;
}

}  // namespace metalaudio::separation
