#pragma once

#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/nn/layers/layer.h>
#include <metalaudio/nn/plan.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace metalaudio::nn::layers {

/// A recurrent layer, or several layers that treat tokens one by one around it, over sequences of
/// varying length, in both directions if it has them; the states go on from one sequence to the
/// next. One plan for the longest serves all: the layer is told how many tokens there are.
/// Shapes:   x[tokens][features] -> y[tokens][output_features()].
/// Errors:   the constructor and prewarm() throw what the layer and Plan throw.
/// Threads:  one caller at a time.
/// Realtime: run and reset, once prewarm() has seen a sequence as long.
class Sequence {
 public:
  template <typename L>
  requires std::is_base_of_v<Layer, L> Sequence(L layer, std::int64_t features)
      : Sequence(std::shared_ptr<const Layer>(std::make_shared<L>(std::move(layer))), features) {}
  Sequence(std::shared_ptr<const Layer> layer, std::int64_t features);

  /// Makes ready for sequences of up to `tokens`. The states stay.
  void prewarm(std::int64_t tokens);
  std::int64_t longest() const noexcept { return longest_; }
  std::size_t output_features() const noexcept { return output_features_; }

  /// A sequence of at most longest() tokens.
  METALAUDIO_REALTIME void run(std::span<const float> x, std::span<float> y) noexcept;
  METALAUDIO_REALTIME void reset() noexcept { plan_->reset(); }

 private:
  std::shared_ptr<const Layer> layer_;
  std::int64_t features_;
  std::int64_t longest_ = 0;
  std::size_t output_features_ = 0;
  std::optional<Plan> plan_;
};

}  // namespace metalaudio::nn::layers
