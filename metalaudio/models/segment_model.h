#pragma once

#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/segment_batches.h>
#include <metalaudio/nn/plan_report.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::models {

/// A network that separates segments of one length. What Separator needs to know of a model.
/// Shapes:   run takes mix[channels][segment_samples] to stems[sources][channels][segment_samples].
/// Threads:  one caller of run() at a time.
class SegmentModel {
 public:
  virtual ~SegmentModel() = default;

  virtual const std::vector<std::string>& sources() const noexcept = 0;
  virtual int sample_rate_hz() const noexcept = 0;
  virtual std::size_t channels() const noexcept = 0;
  virtual std::size_t segment_samples() const noexcept = 0;
  virtual void run(std::span<const float> mix, std::span<float> stems) = 0;

  /// How it runs about this many segments of one separation best: several at a time; null where
  /// that is one after the other with run().
  /// Errors:   throws Error{out_of_memory, backend_unavailable}, and what run() does.
  virtual std::unique_ptr<SegmentBatches> make_batches(std::size_t) { return nullptr; }

  /// Another one, for a caller and a pool of its own, that shares the weights; null where it has no
  /// such thing. It may be called while the model runs.
  /// Errors:   throws Error{out_of_memory}.
  virtual std::unique_ptr<SegmentModel> clone(ThreadPool&) const { return nullptr; }

  /// The steps of its plan and, where ModelOptions::timing is on, their milliseconds in the last
  /// run; empty for a model without a plan.
  virtual nn::PlanReport report() const { return {}; }
};

}  // namespace metalaudio::models
