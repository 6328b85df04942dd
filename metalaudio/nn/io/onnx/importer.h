#pragma once

#include <metalaudio/nn/io/onnx/call.h>
#include <metalaudio/nn/io/onnx/import_onnx.h>
#include <metalaudio/nn/io/onnx/onnx_file.h>

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace metalaudio::nn {

/// The import has to begin again, with these inputs taken from the samples as constants.
struct BindInputs {
  std::set<std::string> names;
};

/// Imports one model. Values are made when something asks for them, so that nodes which nothing
/// needs, and branches that are not taken, may hold anything.
class Importer {
 public:
  Importer(const OnnxFile& file, const OnnxOptions& options, const std::set<std::string>& bound);

  Graph run();

  /// Whether anything here imports nodes of this type.
  static bool is_known(const OnnxFile& file, const OnnxNode& node);

 private:
  /// A value, or that it hangs on something unsupported.
  struct Known {
    Value value = {};
    bool known = true;
  };
  enum class NodeState : std::uint8_t { fresh, open, done };

  /// The names of a graph, a branch or a function's body.
  struct Scope {
    const std::vector<OnnxNode>* nodes = nullptr;
    const std::map<std::string, OnnxTensor>* initializers = nullptr;
    Scope* outer = nullptr;  ///< whose names are seen as well
    const Bindings* bindings = nullptr;
    const std::map<std::string, std::int64_t>* opsets = nullptr;
    std::string prefix = {};
    std::unordered_map<std::string, std::size_t> makers = {};
    std::unordered_map<std::string, Known> values = {};
    std::vector<NodeState> states = {};
  };

  Scope open_scope(const std::vector<OnnxNode>& nodes,
                   const std::map<std::string, OnnxTensor>& initializers, Scope* outer);
  void learn_dimensions();
  void add_inputs(Scope& scope);
  ValueType type_of(const OnnxValue& input) const;
  Value bound_input(const OnnxValue& input, const std::variant<double, Tensor>& value);
  void add_outputs(Scope& scope);

  /// The value of a name; makes what it needs first.
  Known need(Scope& scope, const std::string& name);
  const Known* find(Scope& scope, const std::string& name);
  void import_node(Scope& scope, std::size_t index);
  std::vector<Known> import_values(Scope& scope, const OnnxNode& node, std::vector<Value> inputs);
  std::vector<Known> import_if(Scope& scope, Call& call);
  std::vector<Known> import_loop(Scope& scope, Call& call);
  std::vector<Known> import_scan(Scope& scope, Call& call);
  std::vector<Known> import_function(Scope& scope, const OnnxFunction& function, Call& call);
  std::vector<Known> import_graph(Scope& outer, const OnnxGraph& graph,
                                  const std::vector<Known>& inputs, const std::string& name);
  void refuse(const std::string& label, const std::string& reason);
  [[noreturn]] void want_constant(const NotConstant& reason);

  const OnnxFile& file_;
  const OnnxOptions& options_;
  const std::set<std::string>& bound_;
  std::map<std::string, std::int64_t> dimensions_;
  Builder builder_;
  std::vector<std::string> refused_;
  std::size_t depth_ = 0;     ///< of functions and branches
  std::size_t imported_ = 0;  ///< nodes, each time
};

}  // namespace metalaudio::nn
