#include <metalaudio/audio/temporary_audio.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/hardware_profile.h>
#include <metalaudio/separation/for_each_index.h>
#include <metalaudio/separation/stem_files.h>
#include <metalaudio/separation/stem_lane.h>
#include <metalaudio/separation/stem_limiter.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace metalaudio::separation {
namespace {

constexpr std::int64_t kBlockFrames = 1 << 16;

/// For one of the outputs of a track: short songs stay in memory, long ones never fill it.
std::size_t memory_bytes(std::size_t outputs, std::size_t together) {
  const std::size_t available = HardwareProfile::detect().available_memory_bytes;
  return std::min(audio::TemporaryAudio::kMemoryLimitBytes,
                  std::min(available / 8, together) / outputs);
}

audio::AudioWriterOptions together_options(audio::AudioWriterOptions options,
                                           const std::filesystem::path& path, std::size_t outputs) {
  options.type = audio::file_type_of(path).value_or(options.type);
  options.channels *= outputs;
  options.channel_mask = 0;
  return options;
}

}  // namespace

StemFiles::StemFiles(const StemPlan& plan, const std::vector<std::filesystem::path>& paths,
                     const StemFileOptions& options)
    : options_(options) {
  const std::size_t outputs = plan.outputs.size();
  if (paths.size() != (options.together ? 1 : outputs))
    fail(ErrorCode::invalid_argument, "[StemFiles] {} names for {} outputs", paths.size(), outputs);
  const bool held = options.together || options.normalize_gain;
  const std::size_t memory = memory_bytes(std::max<std::size_t>(outputs, 1), options.memory_bytes);
  for (std::size_t i = 0; i < outputs; ++i)
    lanes_.push_back(std::make_unique<StemLane>(
        plan.outputs[i], options.together ? std::filesystem::path() : paths[i], options, held,
        memory));
  if (options.together)
    together_.emplace(paths[0], together_options(options.writer, paths[0], outputs));
}

StemFiles::~StemFiles() = default;

void StemFiles::for_each_lane(const std::function<void(StemLane&, std::size_t)>& work) {
  for_each_index(options_.pool, lanes_.size(),
                 [&](std::size_t index) { work(*lanes_[index], index); });
}

void StemFiles::write(ConstAudioView mix, std::span<const ConstAudioView> sources) {
  for_each_lane([&](StemLane& lane, std::size_t) { lane.write(mix, sources); });
}

void StemFiles::finish(const std::function<void(double)>& progress) {
  for_each_lane([](StemLane& lane, std::size_t) { lane.end_stream(); });
  std::vector<float> peaks;
  for (const auto& lane : lanes_) peaks.push_back(lane->peak());
  gains_ = output_gains(peaks, options_.clip_mode, options_.common_gain || options_.together);
  if (options_.normalize_gain) gains_.assign(lanes_.size(), *options_.normalize_gain);
  if (options_.together || options_.normalize_gain)
    write_held(progress);
  else
    write_left(progress);
  for_each_lane([](StemLane& lane, std::size_t) { lane.finish(); });
  if (together_) together_->finish();
  if (!options_.measure_loudness) return;
  for (const auto& lane : lanes_) loudness_.push_back(lane->loudness());
}

void StemFiles::write_left(const std::function<void(double)>& progress) {
  std::int64_t left = 0;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i]->set_gain(gains_[i]);
    left = std::max(left, lanes_[i]->left());
  }
  for (std::int64_t done = 0; done < left; done += kBlockFrames) {
    progress(static_cast<double>(done) / static_cast<double>(left));
    for_each_lane([](StemLane& lane, std::size_t) { lane.write_left(kBlockFrames); });
  }
}

/// In step, since one gain curve, or one file, is for all of them.
void StemFiles::write_held(const std::function<void(double)>& progress) {
  const std::int64_t frames = lanes_.empty() ? 0 : lanes_[0]->frames();
  const std::size_t channels = options_.writer.channels;
  std::optional<StemLimiter> limiter;
  if (options_.normalize_gain) {
    std::vector<const audio::AudioSource*> sounds;
    for (const auto& lane : lanes_) sounds.push_back(&lane->samples());
    limiter.emplace(std::move(sounds), lanes_[0]->is_mix() ? 1 : 0, *options_.normalize_gain);
  }
  for (std::int64_t first = 0; first < frames; first += kBlockFrames) {
    progress(static_cast<double>(first) / static_cast<double>(frames));
    const auto count = static_cast<std::size_t>(std::min(frames - first, kBlockFrames));
    const std::span<const float> curve = limiter ? limiter->next(count) : std::span<const float>();
    AudioBuffer all(channels * lanes_.size(), count);
    for_each_lane([&](StemLane& lane, std::size_t index) {
      const AudioView block = all.view().some_channels(index * channels, channels);
      lane.samples().read(first, block);
      for (std::size_t channel = 0; channel < channels; ++channel) {
        const auto samples = block.channel(channel);
        for (std::size_t frame = 0; frame < count; ++frame)
          samples[frame] *= limiter ? curve[frame] : gains_[index];
        if (!limiter && options_.clip_mode == ClipMode::clamp) clamp_samples(samples);
      }
      lane.write_levelled(block);
    });
    if (together_) together_->write(all);
  }
  if (limiter) limiter_gain_ = limiter->least();
}

const audio::AudioSource& StemFiles::samples(std::size_t output) const {
  return lanes_[output]->samples();
}

void StemFiles::commit() {
  for_each_lane([](StemLane& lane, std::size_t) { lane.commit(); });
  if (together_) together_->close();
}

}  // namespace metalaudio::separation
