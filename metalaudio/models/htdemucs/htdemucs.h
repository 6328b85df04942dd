#pragma once

#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/htdemucs/config.h>
#include <metalaudio/models/model_options.h>
#include <metalaudio/models/segment_model.h>
#include <metalaudio/nn/io/state_file.h>
#include <metalaudio/nn/weights.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::models {

/// Hybrid Transformer Demucs, built from a checkpoint's own kwargs and run one segment at a time.
/// Equals demucs.htdemucs.HTDemucs.forward in eval mode. It runs on the CPU, or its layers on the
/// first device of the options; make_htdemucs makes full use of GPUs.
/// Shapes:   mix[channels][segment_samples] -> stems[sources][channels][segment_samples].
/// Errors:   the constructors throw Error{invalid_data, unsupported, out_of_memory}, naming the
///           argument or tensor; out_of_memory, with what it needs and what there is, before weights
///           are read where the process's control group allows less.
/// Threads:  one caller of run() at a time; it shares the work with the pool it was given.
class HTDemucs final : public SegmentModel {
 public:
  HTDemucs(const nn::StateFile& file, const ModelOptions& options, ThreadPool& pool);
  /// Of any weights, a checkpoint's or random ones.
  HTDemucs(const HTDemucsConfig& config, const nn::Weights& weights, const ModelOptions& options,
           ThreadPool& pool);
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
  std::unique_ptr<SegmentModel> clone(ThreadPool& pool) const override;

  /// The bytes of weights and of working memory.
  std::size_t memory_bytes() const noexcept;
  nn::PlanReport report() const override;

 private:
  struct Impl;
  explicit HTDemucs(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A network with random weights, the same for the same seed: for benchmarks and for tests of what
/// does not depend on them.
HTDemucs random_htdemucs(const HTDemucsConfig& config, std::uint32_t seed,
                         const ModelOptions& options, ThreadPool& pool);

/// Weights as often as they are asked for; it keeps what they refer to.
using WeightsSource = std::function<nn::Weights()>;

/// HTDemucs on the GPUs of the options, which share the segments and take several at a time, with
/// the CPU behind them; on the CPU where the options name none. Precision::automatic is fp16 on a
/// GPU.
/// Errors:   as HTDemucs; Error{backend_unavailable} without the CUDA part, Error{unsupported} where
///           a GPU lacks the precision.
/// Threads:  any; the model shares its work with the pool, which outlives it.
std::unique_ptr<SegmentModel> make_htdemucs(const HTDemucsConfig& config,
                                            const WeightsSource& weights,
                                            const ModelOptions& options, ThreadPool& pool);
/// The same with the weights of random_htdemucs.
std::unique_ptr<SegmentModel> make_random_htdemucs(const HTDemucsConfig& config, std::uint32_t seed,
                                                   const ModelOptions& options, ThreadPool& pool);

}  // namespace metalaudio::models
