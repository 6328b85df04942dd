#include <metalaudio/core/error.h>
#include <metalaudio/separation/for_each_index.h>
#include <metalaudio/separation/segment_run.h>

#include <algorithm>

namespace metalaudio::separation {
namespace {

constexpr std::size_t kBlockFrames = 1 << 14;

}  // namespace

SegmentRun::SegmentRun(std::span<const BagMember> members, const std::vector<std::string>& sources,
                       const audio::AudioSource& mix, const SeparationOptions& options,
                       std::int64_t end_frame, ThreadPool* pool)
    : mix_(mix), pool_(pool), plan_(plan_separation(members, sources, end_frame, options)) {
  std::size_t segment = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::optional<Member>& member = members_.emplace_back();
    if (!plan_.members[i].weights) continue;
    models::SegmentModel& model = *members[i].model;
    member.emplace(Member{&model, MemberSums(plan_, i, mix.channels(), pool)});
    // A stream hands each segment out as soon as it can.
    const std::size_t segments = end_frame == kUnknownEnd ? 1 : plan_.steps_of(i);
    member->batches = model.make_batches(segments);
    if (!member->batches) {
      segment = std::max(segment, model.segment_samples());
      continue;
    }
    member->may_add_up = member->batches->add_up(member->sums.rule());
    member->left.resize(member->batches->batches());
    for (std::size_t batch = member->left.size(); batch-- > 0;) member->free.push_back(batch);
  }
  segment_.resize(mix.channels() * segment);
  separated_.resize(sources.size() * segment_.size());
}

std::size_t SegmentRun::longest_window() const {
  std::size_t longest = 0;
  for (const SeparationPlan::Member& member : plan_.members)
    if (member.weights) longest = std::max(longest, member.weights->segment_samples());
  return longest;
}

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
  SegmentEvent event{next.step.member, next.step.shift, next.step.offset, false};
  if (control.segment) control.segment(event);
  if (control.stop.stop_requested()) fail(ErrorCode::cancelled, "[Separator] cancelled");
  add(next);
  underway_.pop_front();
  event.ended = true;
  if (control.segment) control.segment(event);
  emit(next.complete_until, on_block);
  return true;
}

/// Takes segments as long as there is room for them.
void SegmentRun::fill() {
  bool room = true;
  while (room) {
    const auto step = plan_.next(mix_.frames());
    if (!step) break;
    room = place(*step);
  }
  read_windows();
  if (!room) return;
  // Nothing will fill them up.
  for (std::optional<Member>& member : members_)
    if (member && member->open) start(*member);
}

bool SegmentRun::place(const SeparationPlan::Step& step) {
  Member& member = *members_[step.member];
  Underway underway{step, placed_until_, 0, 0, 0};
  if (member.batches) {
    if (!member.open) {
      if (member.free.empty()) return false;
      member.open = member.free.back();
      member.free.pop_back();
      member.filled = 0;
    }
    underway.batch = *member.open;
    underway.place = member.filled++;
    windows_.push_back({step, member.batches->mix(underway.batch, underway.place)});
    if (member.filled == member.batches->capacity()) start(member);
  } else if (!underway_.empty()) {
    return false;
  }
  plan_.take(step);
  placed_until_ = std::max(placed_until_, plan_.complete_until());
  underway.complete_until = placed_until_;
  underway_.push_back(underway);
  return true;
}

void SegmentRun::start(Member& member) {
  read_windows();
  member.left[*member.open] = member.filled;
  member.batches->start(*member.open, member.filled);
  member.open.reset();
}

void SegmentRun::read_windows() {
  for_each_index(pool_, windows_.size(), [&](std::size_t index) { read_window(windows_[index]); });
  windows_.clear();
}

/// Reads a window of the normalised mix; frames outside the mix, and the rest of a segment that
/// is longer than the window, are zeros.
void SegmentRun::read_window(const Window& window) const {
  const SeparationPlan::Step& step = window.step;
  const models::SumPlace place = members_[step.member]->sums.place(step, 0);
  const std::int64_t first_frame = step.first_frame - static_cast<std::int64_t>(place.before);
  const std::size_t frames = plan_.members[step.member].weights->segment_samples();
  const std::size_t length = window.to.size() / mix_.channels();
  const AudioView segment(window.to.data(), mix_.channels(), length, length);
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

void SegmentRun::add(const Underway& underway) {
  Member& member = *members_[underway.step.member];
  if (member.batches)
    add_batched(member, underway);
  else
    run_alone(member, underway);
}

void SegmentRun::run_alone(Member& member, const Underway& underway) {
  const std::span<float> input =
      std::span(segment_).first(mix_.channels() * member.model->segment_samples());
  const std::span<float> output =
      std::span(separated_).first(member.model->sources().size() * input.size());
  read_window({underway.step, input});
  member.model->run(input, output);
  add_here(member, underway, output);
}

void SegmentRun::add_batched(Member& member, const Underway& underway) {
  // Another member's batches are in the way of filling it up.
  if (member.open == underway.batch) start(member);
  if (underway.place == 0) begin_batch(member, underway);
  if (member.adds_up) {
    const ConstAudioView sums = member.batches->sums(underway.batch, underway.place);
    member.adds_up = sums.channels() > 0;
    if (member.adds_up) member.sums.use(underway.origin, sums);
    // Lost: what the batch had added by then is added here, to what was there before it.
    for (std::size_t i = 0; i < underway.place && !member.adds_up; ++i)
      add_here(member, member.adding[i], member.batches->stems(underway.batch, i));
  }
  if (!member.adds_up)
    add_here(member, underway, member.batches->stems(underway.batch, underway.place));
  if (--member.left[underway.batch] == 0) member.free.push_back(underway.batch);
}

void SegmentRun::begin_batch(Member& member, const Underway& first) {
  const ConstAudioView before = member.sums.bring_home(first.origin);
  member.adding.clear();
  std::vector<models::SumPlace> places;
  for (const Underway& other : underway_) {
    if (other.step.member != first.step.member || other.batch != first.batch) continue;
    member.adding.push_back(other);
    places.push_back(member.sums.place(other.step, other.origin));
  }
  member.adds_up = member.may_add_up && member.batches->begin_sums(first.batch, places, before);
}

void SegmentRun::add_here(Member& member, const Underway& underway, std::span<const float> stems) {
  member.sums.add(member.sums.place(underway.step, underway.origin), underway.step.segment, stems,
                  member.model->segment_samples());
}

void SegmentRun::emit(std::int64_t complete_until, const Separator::Sink& on_block) {
  const std::size_t channels = mix_.channels();
  while (given_ < complete_until) {
    const auto frames =
        static_cast<std::size_t>(std::min<std::int64_t>(kBlockFrames, complete_until - given_));
    std::vector<AudioBuffer>& block = block_of(frames);
    for_each_index(pool_, block.size() * channels, [&](std::size_t row) {
      fill_row(row / channels, row % channels, block[row / channels].channel(row % channels));
    });
    const std::int64_t first = given_;
    given_ += static_cast<std::int64_t>(frames);
    on_block(first, block);
  }
}

/// The sums of all members, in their order, back at the level of the mix.
void SegmentRun::fill_row(std::size_t stem, std::size_t channel, std::span<float> to) const {
  bool first = true;
  for (const std::optional<Member>& member : members_) {
    const std::optional<std::size_t> row = member ? member->sums.row(stem, channel) : std::nullopt;
    if (!row) continue;
    const std::span<const float> sums = member->sums.read(*row, given_, to.size());
    if (first)
      std::ranges::copy(sums, to.begin());
    else
      std::ranges::transform(to, sums, to.begin(), std::plus<>());
    first = false;
  }
  for (float& value : to) value = value * level_.deviation + level_.mean;
}

/// Blocks of one step are as long as each other, but for the last.
std::vector<AudioBuffer>& SegmentRun::block_of(std::size_t frames) {
  for (std::vector<AudioBuffer>& block : blocks_)
    if (!block.empty() && block.front().frames() == frames) return block;
  std::swap(blocks_[0], blocks_[1]);
  blocks_[0].clear();
  for (std::size_t stem = 0; stem < plan_.stems.size(); ++stem)
    blocks_[0].emplace_back(mix_.channels(), frames);
  return blocks_[0];
}

}  // namespace metalaudio::separation
