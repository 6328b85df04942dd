#include <metalaudio/nn/compiler/narrow_values.h>
#include <metalaudio/nn/compiler/place_nodes.h>
#include <metalaudio/nn/compiler/rewriter.h>

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>

namespace metalaudio::nn {

namespace {

/// Operations whose results have the type of their data and whose sums are wide enough for a narrow
/// one. The others keep float32: what they count or carry on over time would lose too much.
bool may_be_narrow(const Operation& operation) {
  return std::visit(
      []<typename T>(const T&) {
        return std::is_same_v<T, Attention> || std::is_same_v<T, Binary> ||
               std::is_same_v<T, Concat> || std::is_same_v<T, Conv> ||
               std::is_same_v<T, ConvTranspose> || std::is_same_v<T, Expand> ||
               std::is_same_v<T, Glu> || std::is_same_v<T, GroupNorm> ||
               std::is_same_v<T, LayerNorm> || std::is_same_v<T, MatMul> ||
               std::is_same_v<T, Pad> || std::is_same_v<T, RmsNorm> || std::is_same_v<T, Slice> ||
               std::is_same_v<T, Softmax> || std::is_same_v<T, Transpose> ||
               std::is_same_v<T, Unary>;
      },
      operation);
}

/// Writes the narrow graph; for each float32 value of the old graph it knows its forms in the new.
class Narrower {
 public:
  Narrower(const Graph& graph, std::span<const std::shared_ptr<const Backend>> backends,
           std::span<const int> places)
      : graph_(graph), backends_(backends), places_(places), rewriter_(graph) {}

  Graph run() {
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) add(graph_.nodes()[i], places_[i]);
    for (const GraphState& state : graph_.states()) widen(state.next);
    for (const auto& [name, value] : graph_.outputs()) widen(value);
    return rewriter_.finish();
  }

 private:
  void add(const Node& node, int place) {
    if (is_alias(node.operation)) return add_alias(node);
    if (place < 0) return;  // nobody needs it
    const std::optional<DataType> type = backends_[static_cast<std::size_t>(place)]->value_type();
    const bool narrow = type && may_be_narrow(node.operation) && has_wide_data(node);
    std::vector<Value> inputs;
    const std::span<const Role> roles = roles_of(node.operation);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Role role = roles[std::min(i, roles.size() - 1)];
      const bool weight = role == Role::weight || role == Role::optional_weight;
      const bool keep = weight && graph_.is_constant(node.inputs[i]) &&
                        !std::holds_alternative<MatMul>(node.operation);
      inputs.push_back(narrow && !keep ? narrowed(node.inputs[i], *type, place)
                                       : widen(node.inputs[i]));
    }
    rewriter_.follow(node);
    rewriter_.graph().set_place(place);
    const std::vector<Value> results =
        rewriter_.graph().apply_all(node.operation, std::move(inputs));
    for (std::size_t i = 0; i < results.size(); ++i) put(node.results[i], results[i], place);
  }

  /// It follows what it stands for.
  void add_alias(const Node& node) {
    const Value from = node.inputs[0];
    const auto found = narrow_.find(from.index);
    const Value input = found != narrow_.end() ? found->second.value : rewriter_.map(from);
    rewriter_.follow(node);
    const Value result = rewriter_.graph().apply(node.operation, {input});
    put(node.results[0], result, found != narrow_.end() ? found->second.place : 0);
  }

  bool has_wide_data(const Node& node) const {
    return node.inputs[0].present() && graph_.type(node.inputs[0]).type == DataType::f32;
  }

  void put(Value old, Value now, int place) {
    const bool same = rewriter_.graph().type(now) == graph_.type(old);
    if (same) {
      rewriter_.set(old, now);
    } else {
      narrow_[old.index] = {now, place};
      wide_.erase(old.index);
    }
  }

  Value cast(Value value, DataType type, std::optional<int> place) {
    rewriter_.graph().set_place(place);
    return rewriter_.graph().apply(Cast{type}, {value});
  }

  Value narrowed(Value old, DataType type, int place) {
    if (!old.present() || graph_.type(old).type != DataType::f32) return widen(old);
    const auto found = narrow_.find(old.index);
    if (found != narrow_.end() && rewriter_.graph().type(found->second.value).type == type) {
      return found->second.value;
    }
    const Value wide = widen(old);
    const Value now = graph_.is_constant(old) ? rewriter_.graph().constant(rounded(old, type))
                                              : cast(wide, type, place);
    narrow_[old.index] = {now, place};
    wide_[old.index] = wide;
    return now;
  }

  Tensor rounded(Value old, DataType type) const {
    const std::shared_ptr<const Tensor> wide = graph_.info(old).constant.tensor();
    Tensor narrow(wide->shape(), type);
    for (std::size_t i = 0; i < wide->size(); ++i) {
      const float value = wide->data()[i];
      if (type == DataType::f16) {
        narrow.view().values_as<Float16>()[i] = Float16(value);
      } else {
        narrow.view().values_as<BFloat16>()[i] = BFloat16(value);
      }
    }
    return narrow;
  }

  /// The value as the old graph had it.
  Value widen(Value old) {
    if (!old.present()) return {};
    const auto known = wide_.find(old.index);
    if (known != wide_.end()) return known->second;
    const auto found = narrow_.find(old.index);
    if (found == narrow_.end()) return rewriter_.map(old);
    const Value wide = cast(found->second.value, DataType::f32, found->second.place);
    rewriter_.set(old, wide);
    return wide_[old.index] = wide;
  }

  struct Narrow {
    Value value = {};
    int place = 0;
  };

  const Graph& graph_;
  std::span<const std::shared_ptr<const Backend>> backends_;
  std::span<const int> places_;
  Rewriter rewriter_;
  std::map<int, Narrow> narrow_;  // by the old value
  std::map<int, Value> wide_;     // of those that are narrow too
};

}  // namespace

Graph narrow_values(const Graph& graph, std::span<const std::shared_ptr<const Backend>> backends,
                    std::span<const int> places) {
  return Narrower(graph, backends, places).run();
}

}  // namespace metalaudio::nn
