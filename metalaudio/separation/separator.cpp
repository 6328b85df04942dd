#include <metalaudio/audio/memory_source.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/mix_level.h>
#include <metalaudio/separation/separation_plan.h>
#include <metalaudio/separation/separator.h>
#include <metalaudio/separation/stem_accumulator.h>

#include <algorithm>

namespace metalaudio::separation {
namespace {

constexpr std::size_t kBlockFrames = 1 << 16;

void check_member(const BagMember& member, std::size_t number, const models::SegmentModel& first) {
  if (!member.weights.empty() && member.weights.size() != first.sources().size())
    fail(ErrorCode::invalid_argument,
         "[Separator] member {} of the bag has {} weights: expected {}", number,
         member.weights.size(), first.sources().size());
  if (!member.model) return;
  const models::SegmentModel& model = *member.model;
  if (model.sources() != first.sources() || model.sample_rate_hz() != first.sample_rate_hz() ||
      model.channels() != first.channels())
    fail(ErrorCode::invalid_argument,
         "[Separator] member {} of the bag has other sources, sample rate or channels", number);
}

/// One call of Separator::separate: its buffers, and what it does with each segment.
class Run {
 public:
  Run(std::span<const BagMember> members, const std::vector<std::string>& sources,
      const audio::AudioSource& mix, const SeparationOptions& options)
      : members_(members),
        mix_(mix),
        plan_(plan_separation(members, sources, mix.frames(), options)),
        sums_(plan_.stems.size(), mix.channels(), longest_window()) {
    std::size_t segment = 0;
    for (std::size_t i = 0; i < members.size(); ++i)
      if (plan_.members[i].weights)
        segment = std::max(segment, members[i].model->segment_samples());
    segment_.resize(mix.channels() * segment);
    separated_.resize(sources.size() * segment_.size());
  }

  void run(bool normalise, const Separator::Sink& on_block, const SeparationControl& control) {
    if (normalise) level_ = measure_level(mix_, control.stop);
    const std::size_t total = plan_.total_steps();
    std::size_t done = 0;
    while (const auto step = plan_.next()) {
      if (control.stop.stop_requested()) fail(ErrorCode::cancelled, "[Separator] cancelled");
      separate(*step);
      emit(on_block);
      if (control.progress) control.progress(++done, total);
    }
  }

 private:
  std::size_t longest_window() const {
    std::size_t longest = 0;
    for (const SeparationPlan::Member& member : plan_.members)
      if (member.weights) longest = std::max(longest, member.weights->segment_samples());
    return longest;
  }

  void separate(const SeparationPlan::Step& step) {
    models::SegmentModel& model = *members_[step.member].model;
    SeparationPlan::Member& member = plan_.members[step.member];
    const std::size_t length = model.segment_samples();
    const std::size_t channels = mix_.channels();
    // A segment shorter than the window has it filled with its real neighbourhood on both sides.
    const std::size_t before = (member.weights->segment_samples() - step.frames) / 2;
    const std::span<float> input = std::span(segment_).first(channels * length);
    const std::span<float> output =
        std::span(separated_).first(model.sources().size() * input.size());
    read_window(step.first_frame - static_cast<std::int64_t>(before),
                member.weights->segment_samples(), length);
    model.run(input, output);

    const std::span<const float> weights =
        member.weights->of_segment(step.segment).first(step.frames);
    for (std::size_t stem = 0; stem < plan_.stems.size(); ++stem) {
      if (member.gains[stem] == 0.0F) continue;
      for (std::size_t channel = 0; channel < channels; ++channel) {
        const std::size_t row = plan_.stems[stem] * channels + channel;
        sums_.add(stem, channel, step.first_frame, member.gains[stem], weights,
                  output.subspan(row * length + before, step.frames));
      }
    }
  }

  /// Reads a window of the normalised mix; frames outside the mix, and the rest of a segment that
  /// is longer than the window, are zeros.
  void read_window(std::int64_t first_frame, std::size_t frames, std::size_t length) {
    const AudioView segment(segment_.data(), mix_.channels(), length, length);
    mix_.read(first_frame, segment.part(0, frames));
    const auto clamp = [&](std::int64_t frame) {
      return static_cast<std::size_t>(
          std::clamp<std::int64_t>(frame - first_frame, 0, static_cast<std::int64_t>(frames)));
    };
    const std::size_t begin = clamp(0);
    const std::size_t end = clamp(mix_.frames());
    for (std::size_t channel = 0; channel < segment.channels(); ++channel) {
      const std::span<float> samples = segment.channel(channel);
      for (std::size_t i = begin; i < end; ++i)
        samples[i] = (samples[i] - level_.mean) / level_.deviation;
      std::ranges::fill(samples.subspan(frames), 0.0F);
    }
  }

  void emit(const Separator::Sink& on_block) {
    while (sums_.first_frame() < plan_.complete_until()) {
      const std::int64_t first = sums_.first_frame();
      const auto frames = static_cast<std::size_t>(
          std::min<std::int64_t>(kBlockFrames, plan_.complete_until() - first));
      prepare_block(frames);
      for (std::size_t stem = 0; stem < block_.size(); ++stem)
        for (std::size_t channel = 0; channel < mix_.channels(); ++channel) {
          const auto sum = sums_.front(stem, channel, frames);
          std::transform(sum.begin(), sum.end(), block_[stem].channel(channel).begin(),
                         [this](float value) { return value * level_.deviation + level_.mean; });
        }
      sums_.drop(frames);
      on_block(first, block_);
    }
  }

  void prepare_block(std::size_t frames) {
    if (!block_.empty() && block_.front().frames() == frames) return;
    block_.clear();
    for (std::size_t stem = 0; stem < plan_.stems.size(); ++stem)
      block_.emplace_back(mix_.channels(), frames);
  }

  std::span<const BagMember> members_;
  const audio::AudioSource& mix_;
  SeparationPlan plan_;
  StemAccumulator sums_;
  MixLevel level_;
  std::vector<float> segment_;    // [channels][segment]
  std::vector<float> separated_;  // [sources][channels][segment]
  std::vector<AudioBuffer> block_;
};

std::vector<BagMember> bag_of_one(std::unique_ptr<models::SegmentModel> model) {
  std::vector<BagMember> members(1);
  members.front().model = std::move(model);
  return members;
}

}  // namespace

Separator::Separator(std::unique_ptr<models::SegmentModel> model)
    : Separator(bag_of_one(std::move(model))) {}

Separator::Separator(std::vector<BagMember> members) : members_(std::move(members)) {
  const auto first = std::find_if(members_.begin(), members_.end(),
                                  [](const BagMember& member) { return member.model != nullptr; });
  if (first == members_.end())
    fail(ErrorCode::invalid_argument, "[Separator] a bag of {} members without a model",
         members_.size());
  for (std::size_t i = 0; i < members_.size(); ++i) check_member(members_[i], i + 1, *first->model);
  sources_ = first->model->sources();
  sample_rate_hz_ = first->model->sample_rate_hz();
  channels_ = first->model->channels();
}

void Separator::separate(const audio::AudioSource& mix, const SeparationOptions& options,
                         const Sink& on_block, const SeparationControl& control) {
  if (mix.sample_rate_hz() != sample_rate_hz_ || mix.channels() != channels_)
    fail(ErrorCode::invalid_argument,
         "[Separator] audio of {} channels at {} Hz: expected {} at {} Hz", mix.channels(),
         mix.sample_rate_hz(), channels_, sample_rate_hz_);
  if (mix.frames() == 0) fail(ErrorCode::invalid_data, "[Separator] the audio is empty");
  Run(members_, sources_, mix, options).run(options.normalise, on_block, control);
}

std::vector<AudioBuffer> Separator::separate(const AudioBuffer& mix,
                                             const SeparationOptions& options,
                                             const SeparationControl& control) {
  std::vector<AudioBuffer> stems;
  const auto keep = [&](std::int64_t first_frame, std::span<const AudioBuffer> blocks) {
    for (std::size_t stem = 0; stem < blocks.size(); ++stem) {
      if (stems.size() == stem) stems.emplace_back(mix.channels(), mix.frames());
      for (std::size_t channel = 0; channel < mix.channels(); ++channel) {
        const auto samples = blocks[stem].channel(channel);
        std::copy(samples.begin(), samples.end(),
                  stems[stem].channel(channel).begin() + first_frame);
      }
    }
  };
  separate(audio::MemorySource(mix, sample_rate_hz_), options, keep, control);
  return stems;
}

}  // namespace metalaudio::separation
