#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/htdemucs/cuda/batch_engine.h>
#include <metalaudio/models/htdemucs/network.h>
#include <metalaudio/nn/cpu_backend.h>

#include <algorithm>

namespace metalaudio::models::cuda {

using metalaudio::cuda::check;
using metalaudio::cuda::CurrentDevice;

namespace {

nn::Plan make_plan(const EngineParts& parts, std::size_t capacity) {
  nn::PlanOptions options;
  options.pool = parts.pool;
  options.timing = parts.options.timing;
  // What the GPU does not take runs on the processor.
  options.backends = {parts.backend, nn::make_cpu_backend(Precision::fp32, parts.pool->threads())};
  options.ports_place = 0;
  options.memory_limit_bytes = parts.device->properties().memory_bytes;
  return nn::Plan(build_htdemucs(parts.config, parts.weights(), parts.options.mode,
                                 static_cast<std::int64_t>(capacity)),
                  options);
}

template <typename View>
auto address_of(const View& view) {
  // A CUDA device's handles are its addresses.
  return reinterpret_cast<float*>(
      const_cast<std::byte*>(static_cast<const std::byte*>(view.handle()) + view.offset()));
}

std::size_t bytes_of(std::size_t floats) { return floats * sizeof(float); }

}  // namespace

BatchEngine::BatchEngine(const EngineParts& parts, std::size_t capacity)
    : device_(parts.device),
      index_(device_->properties().index),
      capacity_(capacity),
      segment_samples_(static_cast<std::size_t>(parts.config.segment_samples())),
      mix_size_(static_cast<std::size_t>(parts.config.audio_channels) * segment_samples_),
      stems_size_(mix_size_ * parts.config.sources.size()),
      full_(parts.options.mode == Mode::full),
      frames_(parts.config, parts.options.mode, capacity, device_),
      plan_(make_plan(parts, capacity)),
      mix_(bytes_of(kUnderway * capacity * mix_size_), device_),
      stems_(bytes_of(kUnderway * capacity * stems_size_), device_),
      host_mix_(kUnderway * capacity * mix_size_, index_),
      upload_(index_),
      download_(index_, true),
      batches_{Batch(index_), Batch(index_)},
      downloaded_{Event(index_), Event(index_), Event(index_)} {
  // Places that are never filled are computed too.
  std::ranges::fill(host_mix_.part(0, kUnderway * capacity * mix_size_), 0.0F);
  // Memory is cleared on the device's own stream, which the other two do not wait for.
  device_->synchronize();
}

BatchEngine::~BatchEngine() { settle(); }

void BatchEngine::settle() noexcept {
  const CurrentDevice current(index_);
  cudaStreamSynchronize(upload_.get());
  cudaStreamSynchronize(static_cast<cudaStream_t>(device_->stream()));
  cudaStreamSynchronize(download_.get());
  reading_ = kUnderway;
}

float* BatchEngine::device_mix(std::size_t batch) {
  return static_cast<float*>(mix_.handle()) + batch * capacity_ * mix_size_;
}
float* BatchEngine::device_stems(std::size_t batch) {
  return static_cast<float*>(stems_.handle()) + batch * capacity_ * stems_size_;
}

std::span<float> BatchEngine::mix(std::size_t batch, std::size_t segment) {
  return host_mix_.part((batch * capacity_ + segment) * mix_size_, mix_size_);
}

void BatchEngine::check_not_lost() const {
  if (plan_.lost())
    fail(ErrorCode::backend_unavailable, "[HTDemucs] the GPU was lost while it computed");
}

void BatchEngine::start(std::size_t batch, std::size_t count) {
  const CurrentDevice current(index_);
  const auto stream = static_cast<cudaStream_t>(device_->stream());
  Batch& underway = batches_[batch];
  underway.count = count;
  check(cudaStreamWaitEvent(upload_.get(), underway.computed.get()), "a batch of segments");
  check(cudaMemcpyAsync(device_mix(batch), mix(batch, 0).data(), bytes_of(count * mix_size_),
                        cudaMemcpyHostToDevice, upload_.get()),
        "the upload of segments");
  check(cudaEventRecord(underway.uploaded.get(), upload_.get()), "a batch of segments");
  check(cudaStreamWaitEvent(stream, underway.uploaded.get()), "a batch of segments");
  compute(batch);
  check(cudaEventRecord(underway.computed.get(), stream), "a batch of segments");
  if (reading_ == batch) reading_ = kUnderway;
}

/// The whole batch, whatever lies in the segments that were not filled.
void BatchEngine::compute(std::size_t batch) {
  frames_.forward(device_mix(batch), address_of(plan_.input("waveform")),
                  full_ ? address_of(plan_.input("spectrogram")) : nullptr);
  plan_.run();
  check_not_lost();
  frames_.inverse(address_of(plan_.output("waveform")),
                  full_ ? address_of(plan_.output("spectrogram")) : nullptr, device_stems(batch));
}

std::span<const float> BatchEngine::stems(std::size_t batch, std::size_t segment) {
  const CurrentDevice current(index_);
  if (!host_stems_) host_stems_.emplace(kComingBack * stems_size_, index_);
  const Batch& underway = batches_[batch];
  if (reading_ != batch || segment + kComingBack <= asked_ || segment > asked_) {
    check(cudaStreamWaitEvent(download_.get(), underway.computed.get()), "a batch of segments");
    reading_ = batch;
    asked_ = segment;
  }
  for (; asked_ < std::min(underway.count, segment + kComingBack); ++asked_) {
    const std::size_t place = asked_ % kComingBack;
    check(cudaMemcpyAsync(host_stems_->part(place * stems_size_, stems_size_).data(),
                          device_stems(batch) + asked_ * stems_size_, bytes_of(stems_size_),
                          cudaMemcpyDeviceToHost, download_.get()),
          "the download of stems");
    check(cudaEventRecord(downloaded_[place].get(), download_.get()), "the download of stems");
  }
  check(cudaEventSynchronize(downloaded_[segment % kComingBack].get()), "waiting for stems");
  check_not_lost();
  return host_stems_->part(segment % kComingBack * stems_size_, stems_size_);
}

bool BatchEngine::add_up(const SumRule& rule) {
  const CurrentDevice current(index_);
  if (sums_ && sums_->set(rule)) return true;
  sums_.reset();
  try {
    sums_.emplace(rule, segment_samples_, stems_size_ / segment_samples_, device_, download_.get());
  } catch (const Error& error) {
    // Stems need less memory.
    if (error.code() != ErrorCode::out_of_memory) throw;
  }
  return sums_.has_value();
}

bool BatchEngine::begin_sums(std::size_t batch, std::span<const SumPlace> places,
                             ConstAudioView sums) {
  if (!sums_) return false;
  const CurrentDevice current(index_);
  sums_->begin(places, sums);
  check(cudaStreamWaitEvent(download_.get(), batches_[batch].computed.get()),
        "a batch of segments");
  return true;
}

ConstAudioView BatchEngine::sums(std::size_t batch, std::size_t segment) {
  const CurrentDevice current(index_);
  const std::size_t end = std::min(batches_[batch].count, segment + 1 + SegmentSums::kAhead);
  while (sums_->in_line() < end) sums_->put(device_stems(batch) + sums_->in_line() * stems_size_);
  const ConstAudioView found = sums_->wait(segment);
  check_not_lost();
  return found;
}

}  // namespace metalaudio::models::cuda
