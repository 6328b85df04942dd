#pragma once

#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/htdemucs/config.h>
#include <metalaudio/models/segment_model.h>
#include <metalaudio/nn/io/checkpoint.h>
#include <metalaudio/nn/precision.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::models {

using Precision = nn::Precision;

/// What a caller may choose about a model once its checkpoint is given.
struct HTDemucsOptions {
  Precision precision = Precision::fp32;
  Mode mode = Mode::full;
  bool timing = false;  ///< measure the steps, for report()
};

/// Hybrid Transformer Demucs, built from a checkpoint's own kwargs and run one segment at a time.
/// Equals demucs.htdemucs.HTDemucs.forward in eval mode.
/// Shapes:   mix[channels][segment_samples] -> stems[sources][channels][segment_samples].
/// Errors:   the constructor throws Error{invalid_data, unsupported}, naming the argument or
///           tensor.
/// Threads:  one caller of run() at a time; it shares the work with the pool it was given.
class HTDemucs final : public SegmentModel {
 public:
  HTDemucs(const nn::Checkpoint& checkpoint, const HTDemucsOptions& options, ThreadPool& pool);
  ~HTDemucs() override;
  HTDemucs(HTDemucs&&) noexcept;

  const std::vector<std::string>& sources() const noexcept override;
  int sample_rate_hz() const noexcept override;
  std::size_t channels() const noexcept override;
  /// The one length that run() takes: int(segment · sample_rate), upstream's training length.
  std::size_t segment_samples() const noexcept override;
  /// kwargs["segment"] in seconds, exactly as a double.
  double segment_seconds() const noexcept;

  void run(std::span<const float> mix, std::span<float> stems) override;

  /// The bytes of weights and of working memory.
  std::size_t memory_bytes() const noexcept;
  /// The network's steps; with HTDemucsOptions::timing, and the milliseconds of the last run.
  std::string report() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace metalaudio::models
