#pragma once

#include <metalaudio/core/error.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "linear_model.h"

namespace metalaudio::separation {

/// What a GPU would do with segments, and when it fails.
struct FakeGpu {
  std::size_t capacity = 1;
  std::size_t batches = 2;
  /// Segments after which it is lost; what is in line then is lost with it.
  std::size_t lost_after = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> started = {};  ///< the counts of the batches, in their order
  std::size_t segments_asked_for = 0;
  std::size_t done = 0;
};

/// The linear stand-in in batches. What must not be read any more is not a number.
class BatchedModel final : public models::SegmentModel {
 public:
  explicit BatchedModel(FakeGpu& gpu, std::size_t segment_samples = 400)
      : gpu_(gpu), one_(segment_samples) {}

  const std::vector<std::string>& sources() const noexcept override { return one_.sources(); }
  int sample_rate_hz() const noexcept override { return one_.sample_rate_hz(); }
  std::size_t channels() const noexcept override { return one_.channels(); }
  std::size_t segment_samples() const noexcept override { return one_.segment_samples(); }
  void run(std::span<const float> mix, std::span<float> stems) override { compute(mix, stems); }
  std::unique_ptr<models::SegmentBatches> make_batches(std::size_t segments) override {
    gpu_.segments_asked_for = segments;
    if (gpu_.capacity == 0) fail(ErrorCode::out_of_memory, "[FakeGpu] 9 MiB are not free");
    return std::make_unique<Batches>(*this);
  }

 private:
  static constexpr float kGone = std::numeric_limits<float>::quiet_NaN();

  void compute(std::span<const float> mix, std::span<float> stems) {
    if (gpu_.done >= gpu_.lost_after) fail(ErrorCode::backend_unavailable, "[FakeGpu] lost");
    ++gpu_.done;
    one_.run(mix, stems);
  }

  class Batches final : public models::SegmentBatches {
   public:
    explicit Batches(BatchedModel& model)
        : model_(model),
          size_(model.channels() * model.segment_samples()),
          mix_(model.gpu_.batches * model.gpu_.capacity * size_, kGone),
          stems_(mix_.size() * model.sources().size(), kGone),
          given_(model.sources().size() * size_) {}

    std::size_t capacity() const noexcept override { return model_.gpu_.capacity; }
    std::size_t batches() const noexcept override { return model_.gpu_.batches; }
    std::span<float> mix(std::size_t batch, std::size_t segment) override {
      return std::span(mix_).subspan((batch * capacity() + segment) * size_, size_);
    }
    void start(std::size_t batch, std::size_t count) override {
      model_.gpu_.started.push_back(count);
      for (std::size_t i = 0; i < count; ++i) model_.compute(mix(batch, i), stored(batch, i));
    }
    std::span<const float> stems(std::size_t batch, std::size_t segment) override {
      if (model_.gpu_.done >= model_.gpu_.lost_after)
        fail(ErrorCode::backend_unavailable, "[FakeGpu] lost");
      const std::span<float> from = stored(batch, segment);
      std::ranges::copy(from, given_.begin());
      std::ranges::fill(from, kGone);
      return given_;
    }

   private:
    std::span<float> stored(std::size_t batch, std::size_t segment) {
      const std::size_t size = given_.size();
      return std::span(stems_).subspan((batch * capacity() + segment) * size, size);
    }

    BatchedModel& model_;
    std::size_t size_;
    std::vector<float> mix_;
    std::vector<float> stems_;
    std::vector<float> given_;
  };

  FakeGpu& gpu_;
  LinearModel one_;
};

}  // namespace metalaudio::separation
