#pragma once

#include <metalaudio/nn/layers/layer.h>
#include <metalaudio/nn/layers/stream.h>
#include <metalaudio/nn/plan.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace metalaudio::nn::layers {

/// Where a stage of a HybridPipeline runs; automatic: where it takes least time, copies included.
enum class StageDevice { automatic, cpu, gpu };

/// Layers one after the other, as in Sequential, each on the device that suits it, in one plan: an
/// encoder on the GPU, a recurrent middle on the CPU, a decoder on the GPU, or any other split. Values
/// are copied where the device changes, states stay where they are. Without a GPU all of it runs on
/// the CPU; when the GPU is lost one block is silent, and the CPU goes on from the initial state.
///
///     HybridPipeline model;
///     model.add(Conv1d({…}), StageDevice::gpu).add(Lstm({…}), StageDevice::cpu);
///     model.add(ConvTranspose1d({…}), StageDevice::gpu);
///     model.load(Weights(checkpoint));
///     model.build_stream({.channels = 1, .block_frames = 512}, find_cuda_backend());
///
/// Errors:   build_stream() and plan() throw what Stream and Plan throw.
/// Threads:  one caller at a time; take_trouble() and on_gpu() any.
/// Realtime: process and reset, on the CPU. A GPU is waited for: give process() to an InferenceQueue.
class HybridPipeline final : public Layer {
 public:
  /// Adds a copy that shares the weights, which are named "0", "1", …
  template <typename L>
  requires std::is_base_of_v<Layer, L> HybridPipeline& add(
      L layer, StageDevice device = StageDevice::automatic) {
    return add(std::shared_ptr<Layer>(std::make_shared<L>(std::move(layer))), device);
  }
  HybridPipeline& add(std::shared_ptr<Layer> layer, StageDevice device);

  std::string name() const override { return "HybridPipeline"; }
  Rate rate() const override;

  /// Plans blocks of audio, for process(). gpu: make_cuda_backend() or another with memory of its
  /// own; null: everything on the CPU. The options' backends and placement are not asked.
  void build_stream(StreamOptions options, std::shared_ptr<const Backend> gpu = {});
  METALAUDIO_REALTIME std::size_t process(ConstAudioView in, AudioView out) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;
  std::size_t latency_samples() const noexcept { return stream().latency_samples(); }
  std::size_t output_channels() const noexcept { return stream().output_channels(); }
  /// Whether a GPU has part in it, and was not lost.
  METALAUDIO_REALTIME bool on_gpu() const noexcept { return uses_gpu_ && !split_->lost(); }
  METALAUDIO_REALTIME Trouble take_trouble() noexcept;
  /// Of the plan for the longest blocks.
  PlanReport report() const { return stream().report(); }

  /// A plan over whole signals of one shape: input "x", output "y".
  Plan plan(const Shape& input, PlanOptions options, std::shared_ptr<const Backend> gpu = {}) const;

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  struct Stage {
    std::shared_ptr<Layer> layer;
    StageDevice device = StageDevice::automatic;
  };
  class Placed;

  const Stream& stream() const noexcept { return split_ && !split_->lost() ? *split_ : *alone_; }

  std::vector<Stage> stages_;
  std::optional<Stream> split_;  ///< of both backends
  std::optional<Stream> alone_;  ///< of the CPU
  bool uses_gpu_ = false;        ///< whether a step of `split_` does
};

}  // namespace metalaudio::nn::layers
