#pragma once

#include <metalaudio/core/audio_buffer.h>
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
  /// Whether it adds segments up, and after how many it is lost by that.
  bool adds_up = false;
  std::size_t lost_after_sums = std::numeric_limits<std::size_t>::max();
  std::size_t rows = 0;  ///< of sums that were asked for
  std::size_t added = 0;
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

    bool add_up(const models::SumRule& rule) override {
      rule_ = rule;
      model_.gpu_.rows = rule.rows.size();
      return model_.gpu_.adds_up;
    }
    bool begin_sums(std::size_t, std::span<const models::SumPlace> places,
                    ConstAudioView sums) override {
      check_sums();
      places_.assign(places.begin(), places.end());
      origin_ = places.front().origin;
      sums_.assign(rule_.rows.size(), {});
      for (std::size_t row = 0; row < sums_.size(); ++row)
        sums_[row].assign(sums.channel(row).begin(), sums.channel(row).end());
      return model_.gpu_.adds_up;
    }
    /// As SumRule says, with what nobody may read any more turned into no numbers.
    ConstAudioView sums(std::size_t batch, std::size_t segment) override {
      check_sums();
      ++model_.gpu_.added;
      const models::SumPlace& place = places_[segment];
      const auto advance = static_cast<std::size_t>(place.origin - origin_);
      const auto end = static_cast<std::size_t>(std::max<std::int64_t>(
          0, place.first + static_cast<std::int64_t>(place.frames) - place.origin));
      origin_ = place.origin;
      const std::span<const float> stems = this->stems(batch, segment);
      for (std::size_t row = 0; row < sums_.size(); ++row) {
        std::vector<float>& sum = sums_[row];
        sum.erase(sum.begin(),
                  sum.begin() + static_cast<std::ptrdiff_t>(std::min(advance, sum.size())));
        sum.resize(std::max(sum.size(), end));
        for (std::size_t i = 0; i < place.frames; ++i) {
          const std::int64_t frame = place.first + static_cast<std::int64_t>(i) - origin_;
          if (frame < 0) continue;
          const float sample =
              stems[rule_.rows[row].output * model_.segment_samples() + place.before + i];
          sum[static_cast<std::size_t>(frame)] +=
              rule_.rows[row].gain * (weight(i, place) * sample);
        }
      }
      const std::size_t frames =
          segment + 1 < places_.size()
              ? static_cast<std::size_t>(places_[segment + 1].origin - origin_)
              : sums_.front().size();
      out_ = AudioBuffer(sums_.size(), frames);
      for (std::size_t row = 0; row < sums_.size(); ++row)
        std::copy_n(sums_[row].begin(), frames, out_.channel(row).begin());
      return out_;
    }

   private:
    void check_sums() const {
      if (model_.gpu_.added >= model_.gpu_.lost_after_sums)
        fail(ErrorCode::backend_unavailable, "[FakeGpu] lost");
    }

    float weight(std::size_t sample, const models::SumPlace& place) const {
      const auto size = static_cast<std::int64_t>(rule_.heights.size());
      const auto stride = static_cast<std::int64_t>(rule_.stride);
      float sum = 0.0F;
      for (std::int64_t back = place.earlier; back >= -((size - 1) / stride); --back) {
        const std::int64_t other = static_cast<std::int64_t>(sample) + back * stride;
        if (other >= 0 && other < size) sum += rule_.heights[static_cast<std::size_t>(other)];
      }
      return rule_.heights[sample] / sum;
    }

    std::span<float> stored(std::size_t batch, std::size_t segment) {
      const std::size_t size = given_.size();
      return std::span(stems_).subspan((batch * capacity() + segment) * size, size);
    }

    BatchedModel& model_;
    std::size_t size_;
    std::vector<float> mix_;
    std::vector<float> stems_;
    std::vector<float> given_;
    models::SumRule rule_;
    std::vector<models::SumPlace> places_;
    std::int64_t origin_ = 0;
    std::vector<std::vector<float>> sums_;
    AudioBuffer out_;
  };

  FakeGpu& gpu_;
  LinearModel one_;
};

}  // namespace metalaudio::separation
