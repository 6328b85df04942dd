#include <metalaudio/core/error.h>
#include <metalaudio/nn/plan_blocks.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace metalaudio::nn {

namespace {

struct Extents {
  std::size_t channels = 1;
  std::size_t frames = 0;

  friend bool operator==(const Extents&, const Extents&) = default;
};

Extents extents_of(const ConstTensorView& view, const std::string& name, BlockLayout layout) {
  const Shape& shape = view.shape();
  const std::size_t rank = shape.rank();
  bool flat = rank > 0 && shape.size() > 0 && view.type() == DataType::f32;
  for (std::size_t axis = 0; axis + 2 < rank; ++axis) flat = flat && shape[axis] == 1;
  if (!flat) {
    fail(ErrorCode::invalid_argument,
         "[PlanBlocks] {} is {}{}: expected float32 of frames and channels", name,
         to_string(view.type()), shape.to_string());
  }
  if (rank == 1) return {1, static_cast<std::size_t>(shape[0])};
  const auto first = static_cast<std::size_t>(shape[rank - 2]);
  const auto last = static_cast<std::size_t>(shape[rank - 1]);
  return layout == BlockLayout::channels_frames ? Extents{first, last} : Extents{last, first};
}

}  // namespace

PlanBlocks::PlanBlocks(Plan plan, PlanPorts ports)
    : plan_(std::make_shared<Plan>(std::move(plan))), ports_(std::move(ports)) {
  const ConstTensorView in = plan_->input(ports_.input), out = plan_->output(ports_.output);
  const Extents taken = extents_of(in, ports_.input, ports_.layout);
  const Extents given = extents_of(out, ports_.output, ports_.layout);
  if (taken != given) {
    fail(ErrorCode::invalid_argument, "[PlanBlocks] {} channels of {} frames in, {} of {} out",
         taken.channels, taken.frames, given.channels, given.frames);
  }
  channels_ = taken.channels;
  frames_ = taken.frames;
}

void PlanBlocks::operator()(const ConstAudioView& in, const AudioView& out) noexcept {
  assert(in.channels() == channels_ && in.frames() == frames_);
  const bool planar = ports_.layout == BlockLayout::channels_frames;
  const std::size_t frame_step = planar ? 1 : channels_;
  const std::size_t channel_step = planar ? frames_ : 1;
  float* const to = plan_->input(ports_.input).data_as<float>();
  for (std::size_t c = 0; c < channels_; ++c) {
    const std::span<const float> from = in.channel(c);
    for (std::size_t i = 0; i < frames_; ++i) to[c * channel_step + i * frame_step] = from[i];
  }
  plan_->run();
  // Asked for after each run: an output that is a state as well moves.
  const float* const made = plan_->output(ports_.output).data_as<float>();
  for (std::size_t c = 0; c < channels_; ++c) {
    const std::span<float> result = out.channel(c);
    for (std::size_t i = 0; i < frames_; ++i) result[i] = made[c * channel_step + i * frame_step];
  }
}

}  // namespace metalaudio::nn
