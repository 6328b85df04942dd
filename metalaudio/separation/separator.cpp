#include <metalaudio/audio/view_source.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/for_each_index.h>
#include <metalaudio/separation/mix_level.h>
#include <metalaudio/separation/segment_run.h>
#include <metalaudio/separation/separator.h>

#include <algorithm>

namespace metalaudio::separation {
namespace {

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

std::vector<BagMember> bag_of_one(std::unique_ptr<models::SegmentModel> model) {
  std::vector<BagMember> members(1);
  members.front().model = std::move(model);
  return members;
}

}  // namespace

Separator::Separator(std::unique_ptr<models::SegmentModel> model, ThreadPool* pool)
    : Separator(bag_of_one(std::move(model)), pool) {}

Separator::Separator(std::vector<BagMember> members, ThreadPool* pool)
    : members_(std::move(members)), pool_(pool) {
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

std::optional<Separator> Separator::clone(ThreadPool& pool) const {
  std::vector<BagMember> members;
  for (const BagMember& member : members_) {
    BagMember& copy = members.emplace_back(BagMember{nullptr, member.weights});
    if (!member.model) continue;
    copy.model = member.model->clone(pool);
    if (!copy.model) return std::nullopt;
  }
  return Separator(std::move(members), &pool);
}

void Separator::prepare(std::int64_t frames, const SeparationOptions& options) {
  const AudioBuffer nothing(channels_, 0);
  const audio::ViewSource source(nothing, sample_rate_hz_);
  // Models keep what they made for it.
  const SegmentRun run(members_, sources_, source, options, frames, pool_);
}

void Separator::separate(const audio::AudioSource& mix, const SeparationOptions& options,
                         const Sink& on_block, const SeparationControl& control) {
  if (mix.sample_rate_hz() != sample_rate_hz_ || mix.channels() != channels_)
    fail(ErrorCode::invalid_argument,
         "[Separator] audio of {} channels at {} Hz: expected {} at {} Hz", mix.channels(),
         mix.sample_rate_hz(), channels_, sample_rate_hz_);
  if (mix.frames() == 0) fail(ErrorCode::invalid_data, "[Separator] the audio is empty");
  SegmentRun run(members_, sources_, mix, options, mix.frames(), pool_);
  if (options.normalise) run.set_level(measure_level(mix, control.stop, pool_));
  const std::size_t total = run.total_steps();
  for (std::size_t done = 0; run.advance(on_block, control);)
    if (control.progress) control.progress(++done, total);
}

std::vector<AudioBuffer> Separator::separate(const AudioBuffer& mix,
                                             const SeparationOptions& options,
                                             const SeparationControl& control) {
  std::vector<AudioBuffer> stems;
  const auto keep = [&](std::int64_t first_frame, std::span<const AudioBuffer> blocks) {
    stems.resize(blocks.size());
    for_each_index(pool_, blocks.size(), [&](std::size_t stem) {
      if (stems[stem].frames() == 0) stems[stem] = AudioBuffer(mix.channels(), mix.frames());
      for (std::size_t channel = 0; channel < mix.channels(); ++channel)
        std::ranges::copy(blocks[stem].channel(channel),
                          stems[stem].channel(channel).begin() + first_frame);
    });
  };
  separate(audio::ViewSource(mix, sample_rate_hz_), options, keep, control);
  return stems;
}

}  // namespace metalaudio::separation
