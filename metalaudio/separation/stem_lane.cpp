#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/separation/stem_lane.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace metalaudio::separation {
namespace {

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

/// Of a stem: the track's own, and the stem's name as the subtitle, so that the title stays.
void name_stem(audio::Tags& tags, const std::string& stem) {
  if (tags.empty() || stem.empty()) return;
  std::vector<std::string>& subtitle = tags.texts["SUBTITLE"];
  subtitle = {subtitle.empty() ? stem : subtitle.front() + " (" + stem + ")"};
}

/// For a file of this name: its ending, where it is one of ours, goes before the type in `options`.
/// FLAC and ALAC hold no floating point: 16 bits, as upstream has it.
audio::AudioWriterOptions for_file(audio::AudioWriterOptions options,
                                   const std::filesystem::path& path, const std::string& stem) {
  name_stem(options.tags, stem);
  options.type = audio::file_type_of(path).value_or(options.type);
  const bool alac = options.type == audio::FileType::m4a && options.lossless;
  if ((options.type == audio::FileType::flac || alac) &&
      options.sample_format == audio::SampleFormat::float32)
    options.sample_format = audio::SampleFormat::pcm16;
  return options;
}

}  // namespace

StemLane::StemLane(const StemOutput& output, const std::filesystem::path& path,
                   const StemFileOptions& options, bool held, std::size_t memory_bytes)
    : output_(output),
      path_(path),
      options_(for_file(options.writer, path, output.name)),
      clip_mode_(options.clip_mode),
      held_(held),
      length_(options.length_frames),
      resampler_(options.model_rate_hz, options.writer.sample_rate_hz, options.writer.channels) {
  if (options.measure_loudness)
    meter_.emplace(options.writer.sample_rate_hz, options.writer.channels);
  begin_file();
  if (held || options.clip_mode == ClipMode::rescale || options.keep_samples)
    kept_.emplace(options.writer.channels, options.writer.sample_rate_hz, memory_bytes,
                  path.parent_path().string());
}

void StemLane::write(ConstAudioView mix, std::span<const ConstAudioView> sources) {
  if (const ConstAudioView* source = only_source(sources)) return take(resampler_.process(*source));
  AudioBuffer block(mix.channels(), mix.frames());
  add_scaled(mix, output_.mix_weight, block);
  for (std::size_t i = 0; i < sources.size(); ++i)
    add_scaled(sources[i], output_.source_weights[i], block);
  take(resampler_.process(block));
}

void StemLane::end_stream() {
  take(resampler_.flush());
  if (length_ && taken_ < *length_) {
    const auto missing = static_cast<std::size_t>(*length_ - taken_);
    take(AudioBuffer(options_.channels, missing));
  }
}

bool StemLane::is_mix() const noexcept {
  return output_.mix_weight != 0.0F &&
         std::ranges::all_of(output_.source_weights, [](float weight) { return weight == 0.0F; });
}

void StemLane::set_gain(float gain) {
  gain_ = gain;
  if (gain == 1.0F) return;
  begin_file();
  written_ = 0;
}

void StemLane::write_left(std::int64_t most) {
  AudioBuffer block(options_.channels, static_cast<std::size_t>(std::min(left(), most)));
  if (block.frames() == 0) return;
  kept_->read(written_, block);
  for_each_sample(block, [gain = gain_](float x) { return x * gain; });
  write_levelled(block);
}

void StemLane::write_levelled(ConstAudioView block) {
  if (meter_) meter_->process(block);
  if (writer_) writer_->write(block);
  written_ += static_cast<std::int64_t>(block.frames());
}

void StemLane::finish() {
  if (meter_) loudness_ = meter_->finish();
  if (writer_) writer_->finish();
}

void StemLane::commit() {
  if (writer_) writer_->close();
}

/// The source that this output is, where it is no sum.
const ConstAudioView* StemLane::only_source(std::span<const ConstAudioView> sources) const {
  const auto& weights = output_.source_weights;
  const auto used = std::ranges::count_if(weights, [](float weight) { return weight != 0.0F; });
  const auto one = std::ranges::find(weights, 1.0F);
  if (output_.mix_weight != 0.0F || used != 1 || one == weights.end()) return nullptr;
  return &sources[static_cast<std::size_t>(one - weights.begin())];
}

void StemLane::take(ConstAudioView view) {
  if (length_) {
    const auto room = static_cast<std::size_t>(std::max<std::int64_t>(*length_ - taken_, 0));
    view = view.part(0, std::min(view.frames(), room));
  }
  if (view.frames() == 0) return;
  taken_ += static_cast<std::int64_t>(view.frames());
  for (std::size_t c = 0; c < view.channels(); ++c)
    peak_ = std::max(peak_, peak_of(view.channel(c)));
  if (kept_) kept_->append(view);
  if (held_) return;
  if (clip_mode_ == ClipMode::clamp) {
    AudioBuffer block(view);
    for (std::size_t c = 0; c < block.channels(); ++c) clamp_samples(block.channel(c));
    write_levelled(block);
  } else if (clip_mode_ == ClipMode::none || rescale_gain(peak_) == 1.0F) {
    write_levelled(view);
  }
}

void StemLane::begin_file() {
  if (meter_) meter_->reset();
  if (path_.empty()) return;
  writer_.reset();  // before another one takes its place
  writer_.emplace(path_, options_);
}

}  // namespace metalaudio::separation
