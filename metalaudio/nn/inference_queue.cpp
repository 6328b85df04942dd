#include <metalaudio/core/error.h>
#include <metalaudio/nn/finite_samples.h>
#include <metalaudio/nn/inference_queue.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>

namespace metalaudio::nn {

namespace {

constexpr std::size_t kLongest = std::size_t{1} << 24;

const InferenceQueueOptions& checked(const BlockFunction& function,
                                     const InferenceQueueOptions& options) {
  if (!function) fail(ErrorCode::invalid_argument, "[InferenceQueue] no function");
  if (options.channels == 0 || options.block_samples == 0) {
    fail(ErrorCode::invalid_argument, "[InferenceQueue] {} channels of {} samples: expected some",
         options.channels, options.block_samples);
  }
  for (const std::size_t samples : {options.block_samples, options.host_samples,
                                    options.work_samples, options.latency_samples}) {
    if (samples > kLongest) {
      fail(ErrorCode::invalid_argument, "[InferenceQueue] {} samples: expected at most {}", samples,
           kLongest);
    }
  }
  return options;
}

std::size_t blocks_to_wait(const InferenceQueueOptions& options) {
  const std::size_t work = options.work_samples > 0 ? options.work_samples : options.block_samples;
  return (options.host_samples + work + options.block_samples - 1) / options.block_samples;
}

}  // namespace

// Slots: one that fills, one that plays, and those between.
InferenceQueue::InferenceQueue(BlockFunction function, const InferenceQueueOptions& options)
    : function_((checked(function, options), std::move(function))),
      options_(options),
      wait_blocks_(blocks_to_wait(options)),
      latency_((1 + wait_blocks_) * options.block_samples + options.latency_samples),
      handover_(wait_blocks_ + 2, Job{AudioBuffer(options.channels, options.block_samples),
                                      AudioBuffer(options.channels, options.block_samples)}),
      dry_(options.channels, options.late == LateBlock::dry ? latency_ : 0) {
  start();
}

InferenceQueue::InferenceQueue(PlanBlocks blocks, InferenceQueueOptions options)
    : InferenceQueue(BlockFunction(blocks), (options.channels = blocks.channels(),
                                             options.block_samples = blocks.frames(), options)) {}

InferenceQueue::InferenceQueue(Plan plan, const PlanPorts& ports, InferenceQueueOptions options)
    : InferenceQueue(PlanBlocks(std::move(plan), ports), options) {}

void InferenceQueue::start() {
  worker_.emplace(options_.poll_period, [this] { return work(); });
}

void InferenceQueue::reset() {
  worker_.reset();
  handover_.clear();
  number_ = 0;
  position_ = 0;
  filling_ = nullptr;
  playing_ = nullptr;
  dry_position_ = 0;
  next_due_ = 0;
  for (std::size_t c = 0; c < dry_.channels(); ++c) std::ranges::fill(dry_.channel(c), 0.0F);
  start();
}

bool InferenceQueue::work() noexcept {
  Job* const job = handover_.next_job();
  if (job == nullptr) return false;
  job->done = job->number >= next_due_.load(std::memory_order_relaxed) && run(*job);
  handover_.finish();
  return true;
}

bool InferenceQueue::run(Job& job) noexcept {
  try {
    if (!silence_what_is_not_finite(job.in)) status_.report(Trouble::input_replaced);
    function_(std::as_const(job.in), job.out);
    if (!silence_what_is_not_finite(job.out)) status_.report(Trouble::output_silenced);
    return true;
  } catch (...) {
    return false;
  }
}

void InferenceQueue::begin_block() noexcept {
  if (number_ > wait_blocks_) take_result(number_ - wait_blocks_ - 1);
  filling_ = handover_.free_slot();
}

void InferenceQueue::take_result(std::uint64_t due) noexcept {
  next_due_.store(due + 1, std::memory_order_relaxed);
  Job* job = handover_.finished();
  for (; job != nullptr && job->number < due; job = handover_.finished()) handover_.release();
  const bool in_time = job != nullptr && job->number == due;
  if (in_time && job->done) {
    playing_ = job;
    return;
  }
  if (in_time) handover_.release();
  late_blocks_.fetch_add(1, std::memory_order_relaxed);
  status_.report(Trouble::output_late);
}

void InferenceQueue::end_block() noexcept {
  if (filling_ != nullptr) {
    filling_->number = number_;
    handover_.submit();
  }
  if (playing_ != nullptr) handover_.release();
  filling_ = nullptr;
  playing_ = nullptr;
  position_ = 0;
  ++number_;
}

bool InferenceQueue::stood_in() const noexcept {
  return options_.late == LateBlock::dry && playing_ == nullptr && number_ > wait_blocks_;
}

/// The result, or silence where there is none.
void InferenceQueue::play(const AudioView& out, std::size_t from) noexcept {
  for (std::size_t c = 0; c < out.channels(); ++c) {
    const std::span<float> to = out.channel(c);
    if (playing_ != nullptr) {
      std::copy_n(playing_->out.channel(c).data() + from, to.size(), to.data());
    } else {
      std::ranges::fill(to, 0.0F);
    }
  }
}

/// Takes the input into the ring and gives what it held, which stands in where a block is late. In
/// and out may be one: each sample is read before it is written.
void InferenceQueue::play_dry(const ConstAudioView& in, const AudioView& out) noexcept {
  const bool late = stood_in();
  std::size_t position = dry_position_;
  for (std::size_t c = 0; c < in.channels(); ++c) {
    const std::span<const float> from = in.channel(c);
    const std::span<float> ring = dry_.channel(c), to = out.channel(c);
    position = dry_position_;
    for (std::size_t i = 0; i < from.size(); ++i) {
      const float kept = std::exchange(ring[position], from[i]);
      if (late) to[i] = std::isfinite(kept) ? kept : 0.0F;
      if (++position == ring.size()) position = 0;
    }
  }
  dry_position_ = position;
}

void InferenceQueue::process(ConstAudioView in, AudioView out) noexcept {
  assert(in.channels() == options_.channels && out.channels() == options_.channels &&
         in.frames() == out.frames());
  for (std::size_t at = 0; at < in.frames();) {
    if (position_ == 0) begin_block();
    const std::size_t count = std::min(in.frames() - at, options_.block_samples - position_);
    const ConstAudioView from = in.part(at, count);
    const AudioView to = out.part(at, count);
    if (filling_ != nullptr) {
      for (std::size_t c = 0; c < from.channels(); ++c) {
        std::ranges::copy(from.channel(c), filling_->in.channel(c).data() + position_);
      }
    }
    if (options_.late == LateBlock::dry) play_dry(from, to);
    if (!stood_in()) play(to, position_);
    position_ += count;
    if (position_ == options_.block_samples) end_block();
    at += count;
  }
}

}  // namespace metalaudio::nn
