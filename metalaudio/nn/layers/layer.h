#pragma once

#include <metalaudio/nn/graph/graph.h>
#include <metalaudio/nn/weights.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace metalaudio::nn::layers {

/// How the graph that a layer writes will be run.
enum class Mode {
  offline,    ///< whole signals
  streaming,  ///< block after block of one signal; what a layer needs of the past is a state
  sequence,   ///< sequences as long as a run says, up to the graph's; states go on between them
};

/// Where a layer writes itself: values have channels last, [batch][frames][channels] for signals
/// and [batch][rows][columns][channels] for images.
struct Scope {
  Graph& graph;
  Mode mode = Mode::offline;
  std::string path = {};  ///< "encoder.0": labels operations, names states, appears in errors
  Value lengths = {};     ///< of a sequence: i64[batch]

  Scope operator()(const std::string& name) const {
    return {graph, mode, path.empty() ? name : path + "." + name, lengths};
  }
};

/// Every `in` frames that a layer reads, it writes `out`; a streamed block is a multiple of `in`.
struct Rate {
  std::int64_t in = 1;
  std::int64_t out = 1;

  /// Of this layer, then another.
  Rate then(const Rate& next) const;
};

/// What PyTorch calls a module, for inference: sizes, weights under PyTorch's names and in its
/// shapes, and how it writes itself into a graph. Subclasses name the module that they equal.
/// Errors:   set() and load() throw Error{not_found, invalid_argument, invalid_data}; write()
///           throws Error{invalid_argument}, and Error{unsupported} where the mode is impossible, with the
///           layer's name, its path and both shapes.
/// Threads:  built by one thread; then a constant. A copy shares the weights, which never change.
class Layer {
 public:
  virtual ~Layer() = default;

  /// "Conv1d(2, 16, kernel_size=8)".
  virtual std::string name() const = 0;
  virtual Rate rate() const { return {}; }

  Value write(const Scope& scope, Value x) const;
  Value write(Graph& graph, Value x) const { return write(Scope{graph}, x); }

  /// Replaces a weight: "weight", or "self_attn.in_proj_weight" of a layer inside. Half precisions
  /// stay what they are.
  void set(std::string_view name, Tensor value);
  /// Takes all weights from a state dictionary.
  void load(const Weights& weights);
  /// All names that set() takes, with their shapes.
  std::vector<std::pair<std::string, Shape>> parameters() const;

 protected:
  Layer() = default;
  Layer(const Layer&) = default;
  Layer& operator=(const Layer&) = default;
  Layer(Layer&&) = default;
  Layer& operator=(Layer&&) = default;

  virtual Value do_write(const Scope& scope, Value x) const = 0;

  /// A weight that must be given, or, with `value`, one that starts as PyTorch starts it.
  void declare(const std::string& name, const Shape& shape);
  void declare(const std::string& name, const Shape& shape, float value);
  /// A layer inside this one; its weights have the prefix `name`.
  template <typename L>
  std::shared_ptr<L> inner(const std::string& name, L layer) {
    auto shared = std::make_shared<L>(std::move(layer));
    children_.emplace_back(name, shared);
    return shared;
  }
  void add_inner(const std::string& name, std::shared_ptr<Layer> layer) {
    children_.emplace_back(name, std::move(layer));
  }

  const std::shared_ptr<const Tensor>& parameter(std::string_view name) const;
  /// Its numbers as float32.
  Tensor numbers(std::string_view name) const;
  /// A weight as a constant of the graph, in PyTorch's order and in the type that it was given in.
  Value constant(const Scope& scope, std::string_view name) const {
    return scope.graph.constant(parameter(name));
  }
  /// The same as float32.
  Value weight(const Scope& scope, std::string_view name) const;

  /// "[Conv1d(…)] encoder.0: …".
  template <typename... Args>
  [[noreturn]] void refuse(ErrorCode code, const Scope& scope, fmt::format_string<Args...> format,
                           Args&&... args) const {
    refuse_with(code, scope, fmt::format(format, std::forward<Args>(args)...));
  }
  /// Refuses an input that has not `rank` axes and `channels` channels.
  void expect(const Scope& scope, Value x, std::size_t rank, std::int64_t channels) const;
  /// Refuses every mode but offline.
  void expect_offline(const Scope& scope) const;
  /// Refuses sizes below 1.
  void expect_positive(const char* what, std::int64_t size) const;

 private:
  struct Parameter {
    std::string name;
    Shape shape;
    std::shared_ptr<const Tensor> value;  ///< null: not given yet
    bool required = true;
  };

  [[noreturn]] void refuse_with(ErrorCode code, const Scope& scope,
                                const std::string& reason) const;
  Parameter* find(std::string_view name);

  std::vector<Parameter> parameters_;
  std::vector<std::pair<std::string, std::shared_ptr<Layer>>> children_;
};

}  // namespace metalaudio::nn::layers
