#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/stream.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

namespace metalaudio::nn::layers {

namespace {

constexpr std::int64_t kNextSize = 8;  // a block takes at most seven runs of each plan

Plan plan_of(const Layer& layer, std::int64_t frames, const StreamOptions& options) {
  Graph graph;
  const Value x = graph.input("x", {1, frames, options.channels});
  graph.output("y", layer.write(Scope{graph, Mode::streaming}, x));
  PlanOptions planning;
  planning.tolerances = options.tolerances;
  planning.backends = options.backends;
  planning.placement = options.placement;
  return {graph, planning};
}

/// Copies frames [first, first + count) between a planar view and one with channels last.
void interleave(ConstAudioView from, std::size_t first, std::size_t count, float* to) noexcept {
  const std::size_t channels = from.channels();
  for (std::size_t c = 0; c < channels; ++c) {
    const std::span<const float> channel = from.channel(c);
    for (std::size_t i = 0; i < count; ++i) to[i * channels + c] = channel[first + i];
  }
}

/// Null: silence.
void deinterleave(const float* from, std::size_t count, AudioView to, std::size_t first) noexcept {
  const std::size_t channels = to.channels();
  for (std::size_t c = 0; c < channels; ++c) {
    const std::span<float> channel = to.channel(c);
    for (std::size_t i = 0; i < count; ++i) {
      channel[first + i] = from == nullptr ? 0.0F : from[i * channels + c];
    }
  }
}

}  // namespace

Stream::Stream(const Layer& layer, const StreamOptions& options)
    : rate_(layer.rate()), guard_(options.guard) {
  if (options.channels < 1 || options.block_frames < 1) {
    fail(ErrorCode::invalid_argument, "[Stream] {} channels in blocks of {} frames",
         options.channels, options.block_frames);
  }
  const std::int64_t longest = (options.block_frames + rate_.in - 1) / rate_.in * rate_.in;
  for (std::int64_t n = rate_.in;; n = std::min(n * kNextSize, longest)) {
    Plan plan = plan_of(layer, n, options);
    const TensorView x = plan.input("x");
    sizes_.insert(sizes_.begin(), Size{std::move(plan), static_cast<std::size_t>(n), x});
    if (n >= longest) break;
  }
  const Shape result = sizes_.back().plan.output("y").shape();
  if (result.rank() != 3 || result[1] != rate_.out) {
    fail(ErrorCode::invalid_argument, "[Stream] {} gives {} for {} frames: expected [1, {}, any]",
         layer.name(), result.to_string(), rate_.in, rate_.out);
  }
  in_channels_ = static_cast<std::size_t>(options.channels);
  out_channels_ = static_cast<std::size_t>(result[2]);
  waiting_in_ = Array<float>(static_cast<std::size_t>(rate_.in) * in_channels_);
  waiting_out_ = Array<float>(2 * static_cast<std::size_t>(rate_.in) * out_channels_);
  reset();
}

std::size_t Stream::output_frames(std::size_t input_frames) const noexcept {
  if (keeps_rate()) return input_frames;
  const auto in = static_cast<std::size_t>(rate_.in);
  return (input_frames + in - 1) / in * static_cast<std::size_t>(rate_.out);
}

void Stream::reset() noexcept {
  for (Size& size : sizes_) size.plan.reset();
  waiting_in_frames_ = 0;
  waiting_out_frames_ = latency_samples();
  std::fill_n(waiting_out_.data(), waiting_out_frames_ * out_channels_, 0.0F);
}

const float* Stream::run(Size& size, ConstAudioView in, std::size_t first) noexcept {
  float* x = size.x.data_as<float>();
  std::copy_n(waiting_in_.data(), waiting_in_frames_ * in_channels_, x);
  interleave(in, first, size.frames - waiting_in_frames_, x + waiting_in_frames_ * in_channels_);
  waiting_in_frames_ = 0;
  if (guard_) {
    for (std::size_t i = 0; i < size.frames * in_channels_; ++i) {
      if (std::isfinite(x[i])) continue;
      x[i] = 0;
      status_.report(Trouble::input_replaced);
    }
  }
  const auto index = static_cast<std::size_t>(&size - sizes_.data());
  if (index != current_) size.plan.take_states(sizes_[current_].plan);
  current_ = index;
  size.plan.run();
  if (size.plan.lost()) {
    status_.report(Trouble::device_lost);
    return nullptr;
  }
  const std::span<const float> y = size.plan.output("y").values_as<float>();
  if (guard_ && !std::all_of(y.begin(), y.end(), [](float v) { return std::isfinite(v); })) {
    size.plan.reset();
    status_.report(Trouble::state_cleared);
    return nullptr;
  }
  return y.data();
}

std::size_t Stream::process(ConstAudioView in, AudioView out) noexcept {
  assert(in.channels() == in_channels_ && out.channels() == out_channels_);
  assert(out.frames() >= (keeps_rate() ? in.frames() : 0));
  const std::size_t room = keeps_rate() ? in.frames() : out.frames();
  std::size_t written = std::min(waiting_out_frames_, room);
  deinterleave(waiting_out_.data(), written, out, 0);
  waiting_out_frames_ -= written;
  std::memmove(waiting_out_.data(), waiting_out_.data() + written * out_channels_,
               waiting_out_frames_ * out_channels_ * sizeof(float));
  std::size_t read = 0;
  for (Size& size : sizes_) {
    while (waiting_in_frames_ + in.frames() - read >= size.frames) {
      const std::size_t taken = size.frames - waiting_in_frames_;
      const float* y = run(size, in, read);
      read += taken;
      const std::size_t made =
          size.frames / static_cast<std::size_t>(rate_.in) * static_cast<std::size_t>(rate_.out);
      const std::size_t direct = std::min(made, room - written);
      deinterleave(y, direct, out, written);
      written += direct;
      if (!keeps_rate()) {
        assert(direct == made);
        continue;
      }
      float* queue = waiting_out_.data() + waiting_out_frames_ * out_channels_;
      const std::size_t rest = (made - direct) * out_channels_;
      if (y == nullptr) {
        std::fill_n(queue, rest, 0.0F);
      } else {
        std::copy_n(y + direct * out_channels_, rest, queue);
      }
      waiting_out_frames_ += made - direct;
    }
  }
  const std::size_t rest = in.frames() - read;
  interleave(in, read, rest, waiting_in_.data() + waiting_in_frames_ * in_channels_);
  waiting_in_frames_ += rest;
  return written;
}

}  // namespace metalaudio::nn::layers
