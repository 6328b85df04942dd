#include <metalaudio/nn/calibration.h>
#include <metalaudio/nn/device_rates.h>
#include <metalaudio/nn/layers/conv1d.h>
#include <metalaudio/nn/layers/linear.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace metalaudio::nn {

namespace {

using Clock = std::chrono::steady_clock;

/// Gives a layer weights of one small value: no kernel looks at them.
void fill(layers::Layer& layer) {
  for (const auto& [name, shape] : layer.parameters()) {
    Tensor tensor(shape);
    std::fill(tensor.values().begin(), tensor.values().end(), 0.01F);
    layer.set(name, std::move(tensor));
  }
}

/// Seconds of one run of a layer under two configurations: the best of many, in turns, so that what
/// else the machine does falls on both.
struct Race {
  Race(layers::Layer&& layer, const Shape& input, const ToleranceConfiguration& a,
       const ToleranceConfiguration& b) {
    fill(layer);
    Graph graph;
    const Value x = graph.input("x", input);
    graph.output("y", layer.write(graph, x));
    Plan first = plan(graph, a);
    Plan second = plan(graph, b);
    constexpr int kRounds = 15;
    for (int round = 0; round < kRounds; ++round) {
      first_seconds = std::min(first_seconds, seconds(first));
      second_seconds = std::min(second_seconds, seconds(second));
    }
  }

  /// By more than measurements of the same thing differ.
  bool first_is_faster() const { return first_seconds < 0.97 * second_seconds; }

  double first_seconds = std::numeric_limits<double>::max();
  double second_seconds = std::numeric_limits<double>::max();

 private:
  static Plan plan(const Graph& graph, const ToleranceConfiguration& tolerances) {
    PlanOptions options;
    options.tolerances = tolerances;
    return {graph, options};
  }
  static double seconds(Plan& plan) {
    constexpr std::chrono::microseconds kLong(300);
    int runs = 0;
    const Clock::time_point start = Clock::now();
    Clock::time_point end = start;
    for (; end - start < kLong; end = Clock::now()) {
      for (int i = 0; i < 8; ++i) plan.run();
      runs += 8;
    }
    return std::chrono::duration<double>(end - start).count() / runs;
  }
};

/// The rows from which on the larger path is never slower.
std::size_t linear_rows(ToleranceConfiguration tolerances) {
  constexpr std::int64_t kMostRows = 12;
  constexpr std::int64_t kFeatures = 192;
  std::size_t threshold = 1;
  for (std::int64_t rows = 1; rows <= kMostRows; ++rows) {
    ToleranceConfiguration few = tolerances;
    few.linear_batch_threshold = static_cast<std::size_t>(rows) + 1;
    tolerances.linear_batch_threshold = 0;
    const Race race(layers::Linear({kFeatures, kFeatures}), {rows, kFeatures}, few, tolerances);
    if (race.first_is_faster()) threshold = static_cast<std::size_t>(rows) + 1;
  }
  return threshold;
}

/// The most taps for which a tile of positions does not pay.
std::size_t tile_taps(ToleranceConfiguration tolerances) {
  constexpr std::int64_t kFrames = 64;
  constexpr std::int64_t kChannels = 8;
  tolerances.conv_wide_channels = std::numeric_limits<std::size_t>::max();
  for (const std::int64_t taps : {2, 4, 8, 16, 32, 64}) {
    ToleranceConfiguration tiled = tolerances;
    tiled.conv_tile_taps = 0;
    tolerances.conv_tile_taps = std::numeric_limits<std::size_t>::max();
    layers::Conv1d layer({.in_channels = kChannels, .out_channels = 1, .kernel_size = taps});
    const Race race(std::move(layer), {1, kFrames + taps - 1, kChannels}, tiled, tolerances);
    if (race.first_is_faster()) return static_cast<std::size_t>(taps) / 2;
  }
  return 64;
}

/// The outputs from which on vectors of them are faster.
std::size_t wide_channels(ToleranceConfiguration tolerances) {
  constexpr std::int64_t kFrames = 64;
  constexpr std::int64_t kTaps = 33;
  constexpr std::int64_t kMostOutputs = 24;
  for (std::int64_t outputs = 1; outputs <= kMostOutputs; ++outputs) {
    ToleranceConfiguration wide = tolerances;
    wide.conv_wide_channels = 0;
    tolerances.conv_wide_channels = std::numeric_limits<std::size_t>::max();
    layers::Conv1d layer({.in_channels = 1, .out_channels = outputs, .kernel_size = kTaps});
    const Race race(std::move(layer), {1, kFrames + kTaps - 1, 1}, wide, tolerances);
    if (race.first_is_faster()) return static_cast<std::size_t>(outputs);
  }
  return kMostOutputs;
}

}  // namespace

ToleranceConfiguration calibrate(const ToleranceConfiguration& start,
                                 const std::shared_ptr<const Backend>& gpu) {
  ToleranceConfiguration measured = start;
  measured.linear_batch_threshold = linear_rows(start);
  measured.conv_tile_taps = tile_taps(start);
  measured.conv_wide_channels = wide_channels(measured);
  measure_device_rates(gpu, measured);
  return measured;
}

}  // namespace metalaudio::nn
