#include <metalaudio/audio/resampler.h>
#include <metalaudio/audio/temporary_audio.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/separation/stem_files.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace metalaudio::separation {
namespace {

constexpr std::size_t kBlockFrames = 1U << 15U;
constexpr float kClampLevel = 0.99F;  // upstream's
// For all outputs of a track together: a network beside it needs the rest, and the system keeps a
// file in memory where there is some.
constexpr std::size_t kMemoryBytes = std::size_t{6} << 20U;

void add_scaled(ConstAudioView in, float weight, AudioBuffer& out) {
  if (weight == 0.0F) return;
  for (std::size_t c = 0; c < out.channels(); ++c) {
    const std::span<const float> from = in.channel(c);
    const std::span<float> to = out.channel(c);
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += weight * from[i];
  }
}

template <typename Function>
void for_each_sample(AudioBuffer& block, Function function) {
  for (std::size_t c = 0; c < block.channels(); ++c)
    for (float& sample : block.channel(c)) sample = function(sample);
}

/// For a file of this name: its ending, where it is one of ours, goes before the type in `options`.
/// FLAC holds no floating point: 16 bits, as upstream has it.
audio::AudioWriterOptions for_file(audio::AudioWriterOptions options,
                                   const std::filesystem::path& path) {
  options.type = audio::file_type_of(path).value_or(options.type);
  if (options.type == audio::FileType::flac &&
      options.sample_format == audio::SampleFormat::float32)
    options.sample_format = audio::SampleFormat::pcm16;
  return options;
}

}  // namespace

/// One output on its way from the model to its file.
class StemFiles::Lane {
 public:
  Lane(const StemOutput& output, const std::filesystem::path& path, const StemFileOptions& options,
       std::size_t memory_bytes)
      : output_(output),
        clamps_(options.clip_mode == ClipMode::clamp),
        length_(options.length_frames),
        channels_(options.writer.channels),
        resampler_(options.model_rate_hz, options.writer.sample_rate_hz, options.writer.channels),
        writer_(path, for_file(options.writer, path)) {
    if (options.clip_mode == ClipMode::rescale || options.keep_samples)
      waiting_.emplace(options.writer.channels, options.writer.sample_rate_hz, memory_bytes);
  }

  void write(ConstAudioView mix, std::span<const ConstAudioView> sources) {
    AudioBuffer block(mix.channels(), mix.frames());
    add_scaled(mix, output_.mix_weight, block);
    for (std::size_t i = 0; i < sources.size(); ++i)
      add_scaled(sources[i], output_.source_weights[i], block);
    take(resampler_.process(block));
  }

  /// What the resampler holds back, and silence where its rounding left the length short.
  void end_stream() {
    take(resampler_.flush());
    if (length_ && written_ < *length_) {
      const auto missing = static_cast<std::size_t>(*length_ - written_);
      take(AudioBuffer(channels_, missing));
    }
  }

  float peak() const { return peak_; }
  const audio::AudioSource& samples() const { return *waiting_; }

  void finish(float gain, const std::function<void(double)>& progress) {
    if (waiting_) write_waiting(gain, progress);
    writer_.finish();
  }

  void commit() { writer_.close(); }

 private:
  void take(ConstAudioView view) {
    if (length_) {
      const auto room = static_cast<std::size_t>(std::max<std::int64_t>(*length_ - written_, 0));
      view = view.part(0, std::min(view.frames(), room));
    }
    if (view.frames() == 0) return;
    written_ += static_cast<std::int64_t>(view.frames());
    for (std::size_t c = 0; c < view.channels(); ++c)
      for (const float sample : view.channel(c)) peak_ = std::max(peak_, std::abs(sample));
    if (waiting_)
      waiting_->append(view);
    else
      write_levelled(AudioBuffer(view), 1.0F);
  }

  void write_levelled(AudioBuffer block, float gain) {
    if (clamps_)
      for_each_sample(block, [](float x) { return std::clamp(x, -kClampLevel, kClampLevel); });
    else if (gain != 1.0F)
      for_each_sample(block, [gain](float x) { return x * gain; });
    writer_.write(block);
  }

  void write_waiting(float gain, const std::function<void(double)>& progress) {
    for (std::int64_t first = 0; first < written_; first += kBlockFrames) {
      progress(static_cast<double>(first) / static_cast<double>(written_));
      const auto left = static_cast<std::size_t>(written_ - first);
      AudioBuffer block(channels_, std::min(left, kBlockFrames));
      waiting_->read(first, block);
      write_levelled(std::move(block), gain);
    }
  }

  StemOutput output_;
  bool clamps_;
  std::optional<std::int64_t> length_;
  std::size_t channels_;
  audio::Resampler resampler_;
  audio::AudioWriter writer_;
  std::optional<audio::TemporaryAudio> waiting_;
  std::int64_t written_ = 0;
  float peak_ = 0.0F;
};

StemFiles::StemFiles(const StemPlan& plan, const std::vector<std::filesystem::path>& paths,
                     const StemFileOptions& options)
    : options_(options) {
  for (std::size_t i = 0; i < plan.outputs.size(); ++i)
    lanes_.push_back(std::make_unique<Lane>(plan.outputs[i], paths[i], options,
                                            kMemoryBytes / plan.outputs.size()));
}

StemFiles::~StemFiles() = default;

void StemFiles::write(ConstAudioView mix, std::span<const ConstAudioView> sources) {
  for (const auto& lane : lanes_) lane->write(mix, sources);
}

void StemFiles::finish(const std::function<void(double)>& progress) {
  std::vector<float> peaks;
  for (const auto& lane : lanes_) {
    lane->end_stream();
    peaks.push_back(lane->peak());
  }
  gains_ = output_gains(peaks, options_.clip_mode, options_.common_gain);
  const auto count = static_cast<double>(lanes_.size());
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    lanes_[i]->finish(
        gains_[i], [&](double fraction) { progress((static_cast<double>(i) + fraction) / count); });
}

const audio::AudioSource& StemFiles::samples(std::size_t output) const {
  return lanes_[output]->samples();
}

void StemFiles::commit() {
  for (const auto& lane : lanes_) lane->commit();
}

}  // namespace metalaudio::separation
