#include <metalaudio/core/error.h>
#include <metalaudio/separation/segment_run.h>

#include <algorithm>

namespace metalaudio::separation {
namespace {

constexpr std::size_t kBlockFrames = 1 << 16;

std::size_t longest_window_of(const SeparationPlan& plan) {
  std::size_t longest = 0;
  for (const SeparationPlan::Member& member : plan.members)
    if (member.weights) longest = std::max(longest, member.weights->segment_samples());
  return longest;
}

}  // namespace

SegmentRun::SegmentRun(std::span<const BagMember> members, const std::vector<std::string>& sources,
                       const audio::AudioSource& mix, const SeparationOptions& options,
                       std::int64_t end_frame)
    : members_(members),
      mix_(mix),
      plan_(plan_separation(members, sources, end_frame, options)),
      sums_(plan_.stems.size(), mix.channels(), longest_window_of(plan_)) {
  std::size_t segment = 0;
  for (std::size_t i = 0; i < members.size(); ++i)
    if (plan_.members[i].weights) segment = std::max(segment, members[i].model->segment_samples());
  segment_.resize(mix.channels() * segment);
  separated_.resize(sources.size() * segment_.size());
}

std::size_t SegmentRun::longest_window() const { return longest_window_of(plan_); }

std::int64_t SegmentRun::first_needed_frame() const {
  // A last segment that is short reaches back by half of what it lacks.
  return plan_.complete_until() - static_cast<std::int64_t>(longest_window() / 2 + 1);
}

bool SegmentRun::advance(const Separator::Sink& on_block, const SeparationControl& control) {
  const auto step = plan_.next(mix_.frames());
  if (!step) return false;
  SegmentEvent event{step->member, step->shift, step->offset, false};
  if (control.segment) control.segment(event);
  if (control.stop.stop_requested()) fail(ErrorCode::cancelled, "[Separator] cancelled");
  separate(*step);
  event.ended = true;
  if (control.segment) control.segment(event);
  emit(on_block);
  return true;
}

void SegmentRun::separate(const SeparationPlan::Step& step) {
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
void SegmentRun::read_window(std::int64_t first_frame, std::size_t frames, std::size_t length) {
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

void SegmentRun::emit(const Separator::Sink& on_block) {
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

void SegmentRun::prepare_block(std::size_t frames) {
  if (!block_.empty() && block_.front().frames() == frames) return;
  block_.clear();
  for (std::size_t stem = 0; stem < plan_.stems.size(); ++stem)
    block_.emplace_back(mix_.channels(), frames);
}

}  // namespace metalaudio::separation
