#include <metalaudio/core/error.h>
#include <metalaudio/separation/separation_plan.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace metalaudio::separation {
namespace {

float weight_of(const std::vector<float>& weights, std::size_t source) {
  return weights.empty() ? 1.0F : weights[source];
}

std::vector<std::size_t> stem_indices(const std::vector<std::string>& sources,
                                      const std::vector<std::string>& stems) {
  std::vector<std::size_t> indices(stems.empty() ? sources.size() : 0);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  for (const std::string& stem : stems) {
    const auto found = std::find(sources.begin(), sources.end(), stem);
    if (found == sources.end())
      fail(ErrorCode::invalid_argument, "[Separator] no stem {}: the model has {}", stem,
           fmt::join(sources, ", "));
    indices.push_back(static_cast<std::size_t>(found - sources.begin()));
  }
  return indices;
}

/// gains[member][stem]: upstream weights each member's mean over shifts, then divides by the total.
std::vector<std::vector<float>> stem_gains(std::span<const BagMember> members,
                                           const std::vector<std::string>& sources,
                                           const std::vector<std::size_t>& stems, int shifts) {
  std::vector<std::vector<float>> gains(members.size(), std::vector<float>(stems.size()));
  for (std::size_t stem = 0; stem < stems.size(); ++stem) {
    double total = 0.0;
    for (const BagMember& member : members) total += weight_of(member.weights, stems[stem]);
    if (total == 0.0)
      fail(ErrorCode::invalid_argument, "[Separator] the weights of the bag for {} add up to 0",
           sources[stems[stem]]);
    for (std::size_t member = 0; member < members.size(); ++member)
      gains[member][stem] = static_cast<float>(weight_of(members[member].weights, stems[stem]) /
                                               total / std::max(shifts, 1));
  }
  return gains;
}

std::size_t window_of(const models::SegmentModel& model,
                      const std::optional<double>& segment_seconds) {
  if (!segment_seconds) return model.segment_samples();
  const double samples = *segment_seconds * model.sample_rate_hz();
  if (!(samples >= 1.0 && samples < static_cast<double>(model.segment_samples()) + 1.0))
    fail(ErrorCode::invalid_argument,
         "[Separator] segment of {} s: expected above 0, at most the model's {} s",
         *segment_seconds, static_cast<double>(model.segment_samples()) / model.sample_rate_hz());
  return static_cast<std::size_t>(samples);
}

void check_one_segment(const SeparationPlan& plan) {
  for (const SeparationPlan::Lane& lane : plan.lanes) {
    const std::size_t window = plan.members[lane.member].weights->segment_samples();
    if (lane.end_frame - lane.first_frame > static_cast<std::int64_t>(window))
      fail(ErrorCode::invalid_argument,
           "[Separator] {} samples without splitting: the model takes at most {}",
           lane.end_frame - lane.first_frame, window);
  }
}

}  // namespace

std::vector<bool> needed_members(const std::vector<std::vector<float>>& weights,
                                 const std::vector<std::string>& sources,
                                 const std::vector<std::string>& stems) {
  const std::vector<std::size_t> indices = stem_indices(sources, stems);
  std::vector<bool> needed;
  for (const std::vector<float>& member : weights)
    needed.push_back(std::any_of(indices.begin(), indices.end(), [&](std::size_t source) {
      return weight_of(member, source) != 0.0F;
    }));
  return needed;
}

std::vector<std::int64_t> shift_offsets(const SeparationOptions& options, std::size_t members,
                                        std::int64_t max_offset) {
  if (options.shifts < 0)
    fail(ErrorCode::invalid_argument, "[Separator] {} shifts: expected 0 or more", options.shifts);
  const auto shifts = static_cast<std::size_t>(options.shifts);
  const std::vector<std::int64_t>& given = options.shift_offsets;
  std::vector<std::int64_t> offsets(members * shifts);
  if (given.empty()) {
    // Drawn for every member, run or not: a choice of stems does not change their sound.
    std::mt19937_64 random(options.seed);
    const auto choices = static_cast<std::uint64_t>(max_offset) + 1;
    for (std::int64_t& offset : offsets)
      offset = static_cast<std::int64_t>(((random() >> 32) * choices) >> 32);
    return offsets;
  }
  if (given.size() != shifts && given.size() != offsets.size())
    fail(ErrorCode::invalid_argument, "[Separator] {} shift offsets: expected {} or {}",
         given.size(), shifts, offsets.size());
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    offsets[i] = given[i % given.size()];
    if (offsets[i] < 0 || offsets[i] > max_offset)
      fail(ErrorCode::invalid_argument, "[Separator] shift offset {}: expected 0 to {}", offsets[i],
           max_offset);
  }
  return offsets;
}

SeparationPlan plan_separation(std::span<const BagMember> members,
                               const std::vector<std::string>& sources, std::int64_t frames,
                               const SeparationOptions& options) {
  SeparationPlan plan;
  plan.stems = stem_indices(sources, options.stems);
  const auto gains = stem_gains(members, sources, plan.stems, options.shifts);
  for (std::size_t index = 0; index < members.size(); ++index) {
    SeparationPlan::Member& member =
        plan.members.emplace_back(SeparationPlan::Member{gains[index], std::nullopt});
    const bool needed = std::any_of(member.gains.begin(), member.gains.end(),
                                    [](float gain) { return gain != 0.0F; });
    if (!needed) continue;
    if (!members[index].model)
      fail(ErrorCode::invalid_argument, "[Separator] member {} of the bag is needed but absent",
           index + 1);
    const models::SegmentModel& model = *members[index].model;
    const std::size_t window = window_of(model, options.segment_seconds);
    member.weights = options.split
                         ? OverlapWeights(window, options.overlap, options.transition_power)
                         : OverlapWeights(window);

    // Upstream pads the mix by half a second on both sides and starts up to that much into it.
    const std::int64_t max_shift = model.sample_rate_hz() / 2;
    const auto offsets = shift_offsets(options, members.size(), max_shift);
    const auto shifts = static_cast<std::size_t>(options.shifts);
    for (std::size_t shift = 0; shift < shifts; ++shift)
      plan.lanes.push_back({index, shift, offsets[index * shifts + shift] - max_shift, frames, 0});
    if (shifts == 0) plan.lanes.push_back({index, 0, 0, frames, 0});
  }
  if (!options.split) check_one_segment(plan);
  return plan;
}

void SeparationPlan::set_end(std::int64_t end_frame) {
  for (Lane& lane : lanes) lane.end_frame = end_frame;
}

std::size_t SeparationPlan::total_steps() const {
  std::size_t steps = 0;
  for (const Lane& lane : lanes) steps += steps_of(lane);
  return steps;
}

std::size_t SeparationPlan::steps_of(std::size_t member) const {
  std::size_t steps = 0;
  for (const Lane& lane : lanes)
    if (lane.member == member) steps += steps_of(lane);
  return steps;
}

std::size_t SeparationPlan::steps_of(const Lane& lane) const {
  const auto stride = static_cast<std::int64_t>(members[lane.member].weights->stride_samples());
  return static_cast<std::size_t>((lane.end_frame - lane.first_frame + stride - 1) / stride);
}

std::optional<SeparationPlan::Step> SeparationPlan::next(std::int64_t available_frames) const {
  const auto by_start = [this](const Lane& a, const Lane& b) {
    return next_start(a) < next_start(b);
  };
  const auto lane = std::min_element(lanes.begin(), lanes.end(), by_start);
  const std::int64_t start = next_start(*lane);
  if (start >= lane->end_frame) return std::nullopt;
  const auto left = static_cast<std::size_t>(lane->end_frame - start);
  const std::size_t window = members[lane->member].weights->segment_samples();
  if (start + static_cast<std::int64_t>(std::min(window, left)) > available_frames)
    return std::nullopt;
  return Step{static_cast<std::size_t>(lane - lanes.begin()),
              lane->member,
              lane->shift,
              lane->next_segment,
              start - lane->first_frame,
              start,
              std::min(window, left)};
}

std::int64_t SeparationPlan::complete_until() const {
  std::int64_t complete = lanes.front().end_frame;
  for (const Lane& lane : lanes) complete = std::min(complete, next_start(lane));
  return complete;
}

std::int64_t SeparationPlan::next_start(const Lane& lane) const {
  const auto stride = static_cast<std::int64_t>(members[lane.member].weights->stride_samples());
  return lane.first_frame + lane.next_segment * stride;
}

}  // namespace metalaudio::separation
