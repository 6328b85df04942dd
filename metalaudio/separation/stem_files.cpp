#include <metalaudio/audio/resampler.h>
#include <metalaudio/audio/temporary_audio.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/hardware_profile.h>
#include <metalaudio/separation/for_each_index.h>
#include <metalaudio/separation/stem_files.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace metalaudio::separation {
namespace {

constexpr std::int64_t kBlockFrames = 1 << 16;
constexpr float kClampLevel = 0.99F;  // upstream's

/// For one of the outputs of a track: short songs stay in memory, long ones never fill it.
std::size_t memory_bytes(std::size_t outputs) {
  const std::size_t available = HardwareProfile::detect().available_memory_bytes;
  return std::min(audio::TemporaryAudio::kMemoryLimitBytes, available / 8 / outputs);
}

void add_scaled(ConstAudioView in, float weight, AudioBuffer& out) {
  if (weight == 0.0F) return;
  for (std::size_t c = 0; c < out.channels(); ++c) {
    const std::span<const float> from = in.channel(c);
    const std::span<float> to = out.channel(c);
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += weight * from[i];
  }
}

/// Several maxima side by side, which compilers find in vectors.
float peak_of(std::span<const float> samples) {
  std::array<float, 16> peaks{};
  std::size_t i = 0;
  for (; i + peaks.size() <= samples.size(); i += peaks.size())
    for (std::size_t j = 0; j < peaks.size(); ++j)
      peaks[j] = std::max(peaks[j], std::abs(samples[i + j]));
  for (; i < samples.size(); ++i) peaks[0] = std::max(peaks[0], std::abs(samples[i]));
  return *std::ranges::max_element(peaks);
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
        path_(path),
        options_(for_file(options.writer, path)),
        clip_mode_(options.clip_mode),
        length_(options.length_frames),
        resampler_(options.model_rate_hz, options.writer.sample_rate_hz, options.writer.channels) {
    begin_file();
    if (options.clip_mode == ClipMode::rescale || options.keep_samples)
      kept_.emplace(options.writer.channels, options.writer.sample_rate_hz, memory_bytes);
  }

  void write(ConstAudioView mix, std::span<const ConstAudioView> sources) {
    if (const ConstAudioView* source = only_source(sources))
      return take(resampler_.process(*source));
    AudioBuffer block(mix.channels(), mix.frames());
    add_scaled(mix, output_.mix_weight, block);
    for (std::size_t i = 0; i < sources.size(); ++i)
      add_scaled(sources[i], output_.source_weights[i], block);
    take(resampler_.process(block));
  }

  /// What the resampler holds back, and silence where its rounding left the length short.
  void end_stream() {
    take(resampler_.flush());
    if (length_ && taken_ < *length_) {
      const auto missing = static_cast<std::size_t>(*length_ - taken_);
      take(AudioBuffer(options_.channels, missing));
    }
  }

  float peak() const { return peak_; }
  const audio::AudioSource& samples() const { return *kept_; }

  /// Begins the file again where it was not written at that gain.
  void set_gain(float gain) {
    gain_ = gain;
    if (gain == 1.0F) return;
    begin_file();
    written_ = 0;
  }

  /// How many frames are left to write.
  std::int64_t left() const { return taken_ - written_; }

  void write_left(std::int64_t most) {
    AudioBuffer block(options_.channels, static_cast<std::size_t>(std::min(left(), most)));
    if (block.frames() == 0) return;
    kept_->read(written_, block);
    for_each_sample(block, [gain = gain_](float x) { return x * gain; });
    write_as_is(block);
  }

  void finish() { writer_->finish(); }
  void commit() { writer_->close(); }

 private:
  /// The source that this output is, where it is no sum.
  const ConstAudioView* only_source(std::span<const ConstAudioView> sources) const {
    const auto& weights = output_.source_weights;
    const auto used = std::ranges::count_if(weights, [](float weight) { return weight != 0.0F; });
    const auto one = std::ranges::find(weights, 1.0F);
    if (output_.mix_weight != 0.0F || used != 1 || one == weights.end()) return nullptr;
    return &sources[static_cast<std::size_t>(one - weights.begin())];
  }

  void take(ConstAudioView view) {
    if (length_) {
      const auto room = static_cast<std::size_t>(std::max<std::int64_t>(*length_ - taken_, 0));
      view = view.part(0, std::min(view.frames(), room));
    }
    if (view.frames() == 0) return;
    taken_ += static_cast<std::int64_t>(view.frames());
    for (std::size_t c = 0; c < view.channels(); ++c)
      peak_ = std::max(peak_, peak_of(view.channel(c)));
    if (kept_) kept_->append(view);
    if (clip_mode_ == ClipMode::clamp) {
      AudioBuffer block(view);
      for_each_sample(block, [](float x) { return std::clamp(x, -kClampLevel, kClampLevel); });
      write_as_is(block);
    } else if (clip_mode_ == ClipMode::none || rescale_gain(peak_) == 1.0F) {
      write_as_is(view);
    }
  }

  void write_as_is(ConstAudioView view) {
    writer_->write(view);
    written_ += static_cast<std::int64_t>(view.frames());
  }

  void begin_file() {
    writer_.reset();  // before another one takes its place
    writer_.emplace(path_, options_);
  }

  StemOutput output_;
  std::filesystem::path path_;
  audio::AudioWriterOptions options_;
  ClipMode clip_mode_;
  std::optional<std::int64_t> length_;
  audio::Resampler resampler_;
  std::optional<audio::AudioWriter> writer_;
  std::optional<audio::TemporaryAudio> kept_;
  std::int64_t taken_ = 0;
  std::int64_t written_ = 0;
  float peak_ = 0.0F;
  float gain_ = 1.0F;
};

StemFiles::StemFiles(const StemPlan& plan, const std::vector<std::filesystem::path>& paths,
                     const StemFileOptions& options)
    : options_(options) {
  const std::size_t memory = memory_bytes(std::max<std::size_t>(plan.outputs.size(), 1));
  for (std::size_t i = 0; i < plan.outputs.size(); ++i)
    lanes_.push_back(std::make_unique<Lane>(plan.outputs[i], paths[i], options, memory));
}

StemFiles::~StemFiles() = default;

void StemFiles::for_each_lane(const std::function<void(Lane&)>& work) {
  for_each_index(options_.pool, lanes_.size(), [&](std::size_t index) { work(*lanes_[index]); });
}

void StemFiles::write(ConstAudioView mix, std::span<const ConstAudioView> sources) {
  for_each_lane([&](Lane& lane) { lane.write(mix, sources); });
}

void StemFiles::finish(const std::function<void(double)>& progress) {
  for_each_lane([](Lane& lane) { lane.end_stream(); });
  std::vector<float> peaks;
  for (const auto& lane : lanes_) peaks.push_back(lane->peak());
  gains_ = output_gains(peaks, options_.clip_mode, options_.common_gain);
  std::int64_t left = 0;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i]->set_gain(gains_[i]);
    left = std::max(left, lanes_[i]->left());
  }
  for (std::int64_t done = 0; done < left; done += kBlockFrames) {
    progress(static_cast<double>(done) / static_cast<double>(left));
    for_each_lane([](Lane& lane) { lane.write_left(kBlockFrames); });
  }
  for_each_lane([](Lane& lane) { lane.finish(); });
}

const audio::AudioSource& StemFiles::samples(std::size_t output) const {
  return lanes_[output]->samples();
}

void StemFiles::commit() {
  for_each_lane([](Lane& lane) { lane.commit(); });
}

}  // namespace metalaudio::separation
