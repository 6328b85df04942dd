#include <metalaudio/core/error.h>
#include <metalaudio/separation/segment_run.h>

#include <algorithm>

namespace metalaudio::separation {
namespace {

constexpr std::size_t kBlockFrames = 1 << 14;

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
  for (std::size_t i = 0; i < members.size(); ++i) {
    Batches& batches = batches_.emplace_back();
    if (!plan_.members[i].weights) continue;
    // A stream hands each segment out as soon as it can.
    const std::size_t segments = end_frame == kUnknownEnd ? 1 : plan_.steps_of(i);
    batches.model = members[i].model->make_batches(segments);
    if (!batches.model) {
      segment = std::max(segment, members[i].model->segment_samples());
      continue;
    }
    batches.left.resize(batches.model->batches());
    for (std::size_t batch = batches.left.size(); batch-- > 0;) batches.free.push_back(batch);
  }
  segment_.resize(mix.channels() * segment);
  separated_.resize(sources.size() * segment_.size());
}

std::size_t SegmentRun::longest_window() const { return longest_window_of(plan_); }

std::int64_t SegmentRun::first_needed_frame() const {
  // A last segment that is short reaches back by half of what it lacks.
  return plan_.complete_until() - static_cast<std::int64_t>(longest_window() / 2 + 1);
}

bool SegmentRun::advance(const Separator::Sink& on_block, const SeparationControl& control) {
  const bool stopped = control.stop.stop_requested();
  if (!stopped) fill();
  if (underway_.empty() && !(stopped && plan_.next(mix_.frames()))) return false;
  if (stopped) fail(ErrorCode::cancelled, "[Separator] cancelled");
  const Underway next = underway_.front();
  underway_.pop_front();
  SegmentEvent event{next.step.member, next.step.shift, next.step.offset, false};
  if (control.segment) control.segment(event);
  if (control.stop.stop_requested()) fail(ErrorCode::cancelled, "[Separator] cancelled");
  add(next.step, stems_of(next));
  event.ended = true;
  if (control.segment) control.segment(event);
  emit(next.complete_until, on_block);
  return true;
}

/// Takes segments as long as there is room for them.
void SegmentRun::fill() {
  while (const auto step = plan_.next(mix_.frames()))
    if (!place(*step)) return;
  // Nothing will fill them up.
  for (Batches& batches : batches_)
    if (batches.open) start(batches);
}

bool SegmentRun::place(const SeparationPlan::Step& step) {
  Batches& batches = batches_[step.member];
  Underway underway{step, 0, 0, 0};
  if (batches.model) {
    if (!batches.open) {
      if (batches.free.empty()) return false;
      batches.open = batches.free.back();
      batches.free.pop_back();
      batches.filled = 0;
    }
    underway.batch = *batches.open;
    underway.place = batches.filled++;
    read_window(step, batches.model->mix(underway.batch, underway.place));
    if (batches.filled == batches.model->capacity()) start(batches);
  } else if (!underway_.empty()) {
    return false;
  }
  plan_.take(step);
  underway.complete_until = plan_.complete_until();
  underway_.push_back(underway);
  return true;
}

void SegmentRun::start(Batches& batches) {
  batches.left[*batches.open] = batches.filled;
  batches.model->start(*batches.open, batches.filled);
  batches.open.reset();
}

std::span<const float> SegmentRun::stems_of(const Underway& underway) {
  Batches& batches = batches_[underway.step.member];
  if (!batches.model) {
    models::SegmentModel& model = *members_[underway.step.member].model;
    const std::span<float> input =
        std::span(segment_).first(mix_.channels() * model.segment_samples());
    const std::span<float> output =
        std::span(separated_).first(model.sources().size() * input.size());
    read_window(underway.step, input);
    model.run(input, output);
    return output;
  }
  // Another member's batches are in the way of filling it up.
  if (batches.open == underway.batch) start(batches);
  const std::span<const float> stems = batches.model->stems(underway.batch, underway.place);
  if (--batches.left[underway.batch] == 0) batches.free.push_back(underway.batch);
  return stems;
}

/// A segment shorter than the window has it filled with its real neighbourhood on both sides.
std::size_t SegmentRun::frames_before(const SeparationPlan::Step& step) const {
  return (plan_.members[step.member].weights->segment_samples() - step.frames) / 2;
}

void SegmentRun::add(const SeparationPlan::Step& step, std::span<const float> stems) {
  SeparationPlan::Member& member = plan_.members[step.member];
  const std::size_t length = members_[step.member].model->segment_samples();
  const std::size_t channels = mix_.channels();
  const std::size_t before = frames_before(step);
  const std::span<const float> weights =
      member.weights->of_segment(step.segment).first(step.frames);
  for (std::size_t stem = 0; stem < plan_.stems.size(); ++stem) {
    if (member.gains[stem] == 0.0F) continue;
    for (std::size_t channel = 0; channel < channels; ++channel) {
      const std::size_t row = plan_.stems[stem] * channels + channel;
      sums_.add(stem, channel, step.first_frame, member.gains[stem], weights,
                stems.subspan(row * length + before, step.frames));
    }
  }
}

/// Reads a window of the normalised mix; frames outside the mix, and the rest of a segment that
/// is longer than the window, are zeros.
void SegmentRun::read_window(const SeparationPlan::Step& step, std::span<float> to) {
  const std::int64_t first_frame =
      step.first_frame - static_cast<std::int64_t>(frames_before(step));
  const std::size_t frames = plan_.members[step.member].weights->segment_samples();
  const std::size_t length = to.size() / mix_.channels();
  const AudioView segment(to.data(), mix_.channels(), length, length);
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

void SegmentRun::emit(std::int64_t complete_until, const Separator::Sink& on_block) {
  const std::int64_t first = sums_.first_frame();
  const auto complete = static_cast<std::size_t>(std::max<std::int64_t>(complete_until - first, 0));
  for (std::size_t done = 0; done < complete; done += kBlockFrames) {
    const std::size_t frames = std::min(kBlockFrames, complete - done);
    prepare_block(frames);
    for (std::size_t stem = 0; stem < block_.size(); ++stem)
      for (std::size_t channel = 0; channel < mix_.channels(); ++channel) {
        const auto sum = sums_.front(stem, channel, frames, done);
        std::transform(sum.begin(), sum.end(), block_[stem].channel(channel).begin(),
                       [this](float value) { return value * level_.deviation + level_.mean; });
      }
    on_block(first + static_cast<std::int64_t>(done), block_);
  }
  if (complete > 0) sums_.drop(complete);
}

void SegmentRun::prepare_block(std::size_t frames) {
  if (!block_.empty() && block_.front().frames() == frames) return;
  block_.clear();
  for (std::size_t stem = 0; stem < plan_.stems.size(); ++stem)
    block_.emplace_back(mix_.channels(), frames);
}

}  // namespace metalaudio::separation
