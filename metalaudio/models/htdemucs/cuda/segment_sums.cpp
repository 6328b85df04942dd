#include <metalaudio/core/cuda/check.h>
#include <metalaudio/models/htdemucs/cuda/segment_sums.h>

#include <algorithm>
#include <utility>

namespace metalaudio::models::cuda {

using metalaudio::cuda::check;

namespace {

std::size_t bytes_of(std::size_t floats) { return floats * sizeof(float); }

std::vector<SumRow> row_table(const SumRule& rule, std::size_t outputs) {
  std::vector<SumRow> rows;
  for (const SumRule::Row& row : rule.rows) {
    if (row.output >= outputs)
      fail(ErrorCode::invalid_argument, "[HTDemucs] output {} of {}", row.output, outputs);
    rows.push_back({static_cast<std::int64_t>(row.output), row.gain});
  }
  return rows;
}

}  // namespace

SegmentSums::SegmentSums(const SumRule& rule, std::size_t segment_samples, std::size_t outputs,
                         std::shared_ptr<AudioDevice> device, cudaStream_t stream)
    : device_(std::move(device)),
      stream_(stream),
      outputs_(outputs),
      rows_(rule.rows.size()),
      frames_(rule.heights.size()),
      row_table_(rows_ * sizeof(SumRow), device_),
      heights_(rule.heights.size_bytes(), device_),
      sums_(bytes_of(2 * rows_ * frames_), device_),
      host_(kComingBack * rows_ * frames_, device_->properties().index),
      downloaded_{Event(device_->properties().index), Event(device_->properties().index),
                  Event(device_->properties().index)} {
  step_.rows = static_cast<std::int64_t>(rows_);
  step_.pitch = static_cast<std::int64_t>(frames_);
  step_.segment = static_cast<std::int64_t>(segment_samples);
  step_.heights = static_cast<std::int64_t>(frames_);
  set(rule);
}

bool SegmentSums::set(const SumRule& rule) {
  if (rule.rows.size() != rows_ || rule.heights.size() != frames_) return false;
  const std::vector<SumRow> rows = row_table(rule, outputs_);
  device_->upload(row_table_.handle(), 0, rows.data(), row_table_.bytes());
  device_->upload(heights_.handle(), 0, rule.heights.data(), heights_.bytes());
  // The device's own stream, which the other one does not wait for.
  device_->synchronize();
  step_.stride = static_cast<std::int64_t>(rule.stride);
  step_.reach = (step_.heights - 1) / step_.stride;
  return true;
}

void SegmentSums::begin(std::span<const SumPlace> places, ConstAudioView sums) {
  places_.assign(places.begin(), places.end());
  std::int64_t end = places_.front().origin + static_cast<std::int64_t>(sums.frames());
  for (const SumPlace& place : places_) {
    end = std::max(end, place.first + static_cast<std::int64_t>(place.frames));
    if (sums.channels() != rows_ || end - place.origin > static_cast<std::int64_t>(frames_))
      fail(ErrorCode::invalid_argument, "[HTDemucs] sums of {} rows and {} frames: expected {}, {}",
           sums.channels(), end - place.origin, rows_, frames_);
  }
  in_line_ = 0;
  current_ = 0;
  origin_ = places_.front().origin;
  length_ = static_cast<std::int64_t>(sums.frames());
  for (std::size_t row = 0; row < rows_ && length_ > 0; ++row)
    check(cudaMemcpyAsync(this->sums(0) + row * frames_, sums.channel(row).data(),
                          bytes_of(sums.frames()), cudaMemcpyHostToDevice, stream_),
          "the upload of sums");
}

void SegmentSums::put(const float* stems) {
  const SumPlace& place = places_[in_line_];
  SumStep step = step_;
  step.old_frames = length_;
  step.advance = place.origin - origin_;
  step.first = place.first - place.origin;
  step.count = static_cast<std::int64_t>(place.frames);
  step.before = static_cast<std::int64_t>(place.before);
  step.earlier = place.earlier;
  step.frames = std::max(length_ - step.advance, step.first + step.count);
  add_segment(step, static_cast<const SumRow*>(row_table_.handle()),
              static_cast<const float*>(heights_.handle()), stems, sums(current_),
              sums(1 - current_), stream_);
  check(cudaGetLastError(), "the sums of segments");
  current_ = 1 - current_;
  origin_ = place.origin;
  length_ = step.frames;

  const std::size_t slot = in_line_ % kComingBack;
  const bool last = in_line_ + 1 == places_.size();
  const std::int64_t wanted = last ? length_ : places_[in_line_ + 1].origin - origin_;
  ready_[slot] = static_cast<std::size_t>(std::min(wanted, length_));
  const std::size_t pitch = bytes_of(frames_);
  if (ready_[slot] > 0)
    check(cudaMemcpy2DAsync(host_.part(slot * rows_ * frames_, rows_ * frames_).data(), pitch,
                            sums(current_), pitch, bytes_of(ready_[slot]), rows_,
                            cudaMemcpyDeviceToHost, stream_),
          "the download of sums");
  check(cudaEventRecord(downloaded_[slot].get(), stream_), "the download of sums");
  ++in_line_;
}

ConstAudioView SegmentSums::wait(std::size_t segment) {
  const std::size_t slot = segment % kComingBack;
  check(cudaEventSynchronize(downloaded_[slot].get()), "waiting for sums");
  return {host_.part(slot * rows_ * frames_, rows_ * frames_).data(), rows_, ready_[slot], frames_};
}

}  // namespace metalaudio::models::cuda
