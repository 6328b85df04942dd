#include <metalaudio/separation/for_each_index.h>
#include <metalaudio/separation/member_sums.h>

#include <algorithm>

namespace metalaudio::separation {
namespace {

std::vector<models::SumRule::Row> rows_of(const SeparationPlan& plan, std::size_t member,
                                          std::size_t channels) {
  std::vector<models::SumRule::Row> rows;
  for (std::size_t stem = 0; stem < plan.stems.size(); ++stem)
    for (std::size_t channel = 0; channel < channels; ++channel)
      if (const float gain = plan.members[member].gains[stem]; gain != 0.0F)
        rows.push_back({plan.stems[stem] * channels + channel, gain});
  return rows;
}

}  // namespace

MemberSums::MemberSums(const SeparationPlan& plan, std::size_t member, std::size_t channels,
                       ThreadPool* pool)
    : weights_(*plan.members[member].weights),
      channels_(channels),
      pool_(pool),
      rows_(rows_of(plan, member, channels)),
      home_(rows_.size(), weights_.segment_samples()),
      sums_(home_.sums()) {
  std::size_t row = 0;
  for (const float gain : plan.members[member].gains) {
    first_rows_.push_back(gain != 0.0F ? std::optional(row) : std::nullopt);
    if (gain != 0.0F) row += channels;
  }
}

models::SumRule MemberSums::rule() const {
  return {rows_, weights_.heights(), weights_.stride_samples()};
}

/// A segment shorter than the window has it filled with its real neighbourhood on both sides.
models::SumPlace MemberSums::place(const SeparationPlan::Step& step, std::int64_t origin) const {
  return {origin, step.first_frame, (weights_.segment_samples() - step.frames) / 2, step.frames,
          weights_.earlier(step.segment)};
}

ConstAudioView MemberSums::bring_home(std::int64_t origin) {
  if (!at_home_) {
    for_each_index(pool_, rows_.size(),
                   [&](std::size_t row) { home_.replace(row, sums_.channel(row)); });
    home_origin_ = origin_;
    home_end_ = origin_ + static_cast<std::int64_t>(sums_.frames());
  }
  move_home(origin);
  const std::int64_t held = std::max<std::int64_t>(home_end_ - origin, 0);
  return home_.sums().part(0, static_cast<std::size_t>(held));
}

void MemberSums::move_home(std::int64_t origin) {
  const auto frames = static_cast<std::size_t>(origin - home_origin_);
  if (frames > 0)
    for_each_index(pool_, rows_.size(), [&](std::size_t row) { home_.move(row, frames); });
  home_origin_ = origin;
  origin_ = origin;
  sums_ = home_.sums();
  at_home_ = true;
}

void MemberSums::add(const models::SumPlace& place, std::int64_t segment,
                     std::span<const float> stems, std::size_t length) {
  move_home(place.origin);
  const std::span<const float> weights = weights_.of_segment(segment).first(place.frames);
  for_each_index(pool_, rows_.size(), [&](std::size_t row) {
    home_.add(row, place.first - place.origin, rows_[row].gain, weights,
              stems.subspan(rows_[row].output * length + place.before, place.frames));
  });
  home_end_ = std::max(home_end_, place.first + static_cast<std::int64_t>(place.frames));
}

void MemberSums::use(std::int64_t origin, ConstAudioView sums) {
  origin_ = origin;
  sums_ = sums;
  at_home_ = false;
}

std::optional<std::size_t> MemberSums::row(std::size_t stem, std::size_t channel) const {
  const std::optional<std::size_t> first = first_rows_[stem];
  return first ? std::optional(*first + channel) : std::nullopt;
}

std::span<const float> MemberSums::read(std::size_t row, std::int64_t first_frame,
                                        std::size_t frames) const {
  return sums_.channel(row).subspan(static_cast<std::size_t>(first_frame - origin_), frames);
}

}  // namespace metalaudio::separation
