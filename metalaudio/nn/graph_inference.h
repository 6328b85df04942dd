#pragma once

#include <metalaudio/core/memory_pressure_monitor.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/core/tensor_view.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/io/onnx/import_onnx.h>
#include <metalaudio/nn/plan_report.h>
#include <metalaudio/nn/precision.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// What a listener answers when memory is short. Audio keeps its memory unless told otherwise.
enum class MemoryAnswer { keep, drop };

/// How a GraphInference is made. The methods fill `model` and return the options, so that a call
/// may list them.
struct GraphInferenceOptions {
  OnnxOptions model = {};
  Precision precision = Precision::fp32;
  ThreadPool* pool = nullptr;  ///< null: everything on the thread that calls predict()
  bool timing = false;         ///< measure every step, for profile()
  ToleranceConfiguration tolerances =
      {};  ///< of the CPU's kernels; what load() gives, or the defaults
  /// Where a result is not finite, all of them become silence, the states start anew and the status
  /// says so: a NaN that came in is gone with its step.
  bool guard = false;
  /// Asked by relieve(); nothing: keep.
  std::function<MemoryAnswer(PressureLevel)> on_memory_pressure = {};

  GraphInferenceOptions& bind_constant(std::string input, double value);
  GraphInferenceOptions& bind_constant(std::string input, Tensor value);
  GraphInferenceOptions& fix_shape(std::string input, const Shape& shape);
  GraphInferenceOptions& fix_dimension(std::string symbol, std::int64_t extent);
  /// The input is what the output was in the run before, and zero at first.
  GraphInferenceOptions& link_state(std::string output, std::string input);
  GraphInferenceOptions& link_state(std::string output, std::string input, Tensor initial);
  GraphInferenceOptions& carry_states(bool carry = true);
};

/// An input or output that is left for the caller.
struct GraphPort {
  std::string name = {};
  ValueType type = {};
};

/// An ONNX model compiled for fixed shapes: it runs inside an audio callback.
/// Shapes:   those of inputs() and outputs(), row-major.
/// Errors:   constructors throw what import_onnx and Plan throw; unsupported operations are listed
///           all at once, with the names of their nodes.
/// Threads:  one caller at a time; clones are independent. relieve(), drop_memory() and prepare()
///           may be called while another thread is in predict().
/// Realtime: predict, run, reset, without a pool and without timing.
class GraphInference {
 public:
  explicit GraphInference(const std::filesystem::path& path,
                          const GraphInferenceOptions& options = {});
  explicit GraphInference(std::span<const std::byte> model,
                          const GraphInferenceOptions& options = {});
  ~GraphInference();
  GraphInference(GraphInference&&) noexcept;
  GraphInference& operator=(GraphInference&&) noexcept;

  /// A second instance that shares the packed weights; its states are the initial ones.
  GraphInference clone() const;

  std::span<const GraphPort> inputs() const noexcept;
  std::span<const GraphPort> outputs() const noexcept;

  /// One step: as many views as there are inputs and outputs, of their types and sizes.
  METALAUDIO_REALTIME void predict(std::span<const ConstTensorView> inputs,
                                   std::span<const TensorView> outputs) noexcept;
  /// The same for a model of one float32 input and output.
  METALAUDIO_REALTIME void predict(std::span<const float> input, std::span<float> output) noexcept;
  /// The states as they were at first.
  METALAUDIO_REALTIME void reset() noexcept;

  /// The first trouble on the audio thread.
  RealtimeStatus& status() noexcept;

  /// Asks the option what to do, and does it.
  void relieve(PressureLevel level);
  /// Gives the workspace back, after the step that is running; predict() writes silence until
  /// prepare().
  void drop_memory() noexcept;
  void prepare();

  /// Bytes of weights, values and states.
  std::size_t memory_usage() const noexcept;
  PlanReport profile() const;
  /// The steps as a Graphviz digraph.
  std::string to_dot() const;

 private:
  struct Impl;
  explicit GraphInference(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace metalaudio::nn
