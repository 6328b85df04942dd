#include <metalaudio/nn/compiler/moved_reshape.h>
#include <metalaudio/nn/compiler/rewriter.h>
#include <metalaudio/nn/compiler/simplify.h>

#include <algorithm>
#include <numeric>
#include <optional>

namespace metalaudio::nn {

namespace {

using Order = std::vector<std::size_t>;

bool is_identity(const Order& order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] != i) return false;
  }
  return true;
}

/// Whether the elements stay in the order that they have in memory.
bool keeps_memory(const Order& order, const Shape& shape) {
  std::size_t last = 0;
  for (const std::size_t axis : order) {
    if (shape[axis] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

template <typename T>
std::vector<T> permuted(const std::vector<T>& values, const Order& order) {
  std::vector<T> result(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) result[order[i]] = values[i];
  return result;
}

Shape permuted(const Shape& shape, const Order& order) {
  return Shape(
      permuted(std::vector<std::int64_t>(shape.extents().begin(), shape.extents().end()), order));
}

/// A value of the old graph as a transpose, not yet written, of a value of the new graph.
struct Pending {
  Value source;
  Order order;
};

class Pass {
 public:
  explicit Pass(const Graph& from) : from_(from), rewriter_(from), pending_(from.values().size()) {}

  Graph run() {
    for (const Node& node : from_.nodes()) {
      rewriter_.follow(node);
      if (!std::visit([&](const auto& operation) { return move(node, operation); },
                      node.operation)) {
        for (const Value input : node.inputs) settle(input);
        rewriter_.copy(node);
      }
    }
    for (const auto& [name, value] : from_.outputs()) settle(value);
    for (const GraphState& state : from_.states()) settle(state.next);
    return rewriter_.finish();
  }

 private:
  Graph& to() { return rewriter_.graph(); }
  const std::optional<Pending>& pending(Value old) const {
    return pending_[static_cast<std::size_t>(old.index)];
  }

  /// Writes the transpose that a value still waits for.
  void settle(Value old) {
    if (!old.present()) return;
    std::optional<Pending>& waits = pending_[static_cast<std::size_t>(old.index)];
    if (!waits) return;
    const Operation operation = keeps_memory(waits->order, to().shape(waits->source))
                                    ? Operation(Reshape{from_.shape(old)})
                                    : Operation(Transpose{waits->order});
    rewriter_.set(old, to().apply(operation, {waits->source}));
    waits.reset();
  }

  void postpone(Value old, Value source, const Order& order) {
    if (is_identity(order)) {
      rewriter_.set(old, source);
    } else {
      pending_[static_cast<std::size_t>(old.index)] = Pending{source, order};
    }
  }

  template <typename Any>
  bool move(const Node&, const Any&) {
    return false;
  }

  bool move(const Node& node, const Transpose& transpose) {
    const Value x = node.inputs[0];
    if (!pending(x)) {
      postpone(node.results[0], rewriter_.map(x), transpose.order);
      return true;
    }
    Order order;
    for (const std::size_t axis : transpose.order) order.push_back(pending(x)->order[axis]);
    postpone(node.results[0], pending(x)->source, order);
    return true;
  }

  /// The same operation on the source, with what names axes permuted.
  template <typename Operation>
  bool move_one(const Node& node, Operation operation, const Order& order) {
    postpone(node.results[0], to().apply(std::move(operation), {pending(node.inputs[0])->source}),
             order);
    return true;
  }

  bool move(const Node& node, const Unary& unary) {
    if (!pending(node.inputs[0])) return false;
    return move_one(node, unary, Order(pending(node.inputs[0])->order));
  }
  bool move(const Node& node, const Cast& cast) {
    if (!pending(node.inputs[0])) return false;
    return move_one(node, cast, Order(pending(node.inputs[0])->order));
  }
  bool move(const Node& node, const Softmax& softmax) {
    if (!pending(node.inputs[0])) return false;
    const Order order = pending(node.inputs[0])->order;
    const std::size_t axis = axis_of(softmax.axis, order.size());
    return move_one(node, Softmax{static_cast<std::int64_t>(order[axis]), softmax.log}, order);
  }
  bool move(const Node& node, const Pad& pad) {
    if (!pending(node.inputs[0])) return false;
    const Order order = pending(node.inputs[0])->order;
    return move_one(
        node, Pad{permuted(pad.before, order), permuted(pad.after, order), pad.mode, pad.value},
        order);
  }
  bool move(const Node& node, const Slice& slice) {
    if (!pending(node.inputs[0])) return false;
    const Order order = pending(node.inputs[0])->order;
    Slice moved{permuted(slice.starts, order), permuted(slice.shape, order), {}};
    if (!slice.steps.empty()) moved.steps = permuted(slice.steps, order);
    return move_one(node, moved, order);
  }

  bool move(const Node& node, const Concat& concat) {
    if (!pending(node.inputs[0])) return false;
    const Order order = pending(node.inputs[0])->order;
    std::vector<Value> sources;
    for (const Value input : node.inputs) {
      if (!pending(input) || pending(input)->order != order) return false;
      sources.push_back(pending(input)->source);
    }
    const std::size_t axis = axis_of(concat.axis, order.size());
    postpone(node.results[0],
             to().apply(Concat{static_cast<std::int64_t>(order[axis])}, std::move(sources)), order);
    return true;
  }

  bool move(const Node& node, const Binary& binary) { return move_broadcast(node, binary); }
  bool move(const Node& node, const Where& where) { return move_broadcast(node, where); }

  /// Operations whose inputs repeat to one shape: in the order of one that waits, where the others
  /// wait for the same or cost nothing to put into it.
  template <typename Operation>
  bool move_broadcast(const Node& node, const Operation& operation) {
    const std::size_t rank = from_.shape(node.results[0]).rank();
    for (const Value leader : node.inputs) {
      if (!pending(leader) || pending(leader)->order.size() != rank) continue;
      const Order order = pending(leader)->order;
      std::vector<Value> sources;
      for (const Value input : node.inputs) {
        const std::optional<Value> source = in_order(input, order);
        if (source) sources.push_back(*source);
      }
      if (sources.size() != node.inputs.size()) continue;
      postpone(node.results[0], to().apply(operation, std::move(sources)), order);
      return true;
    }
    return false;
  }

  /// An operand as the source's order of axes needs it: one that waits for the same order, a
  /// constant, or a value that only axes of extent 1 move in.
  std::optional<Value> in_order(Value input, const Order& order) {
    if (pending(input)) {
      if (pending(input)->order != order) return std::nullopt;
      return pending(input)->source;
    }
    const Value now = rewriter_.map(input);
    const Shape shape = to().shape(now);
    if (shape.size() == 1 && shape.rank() <= 1) return now;
    std::vector<std::int64_t> full(order.size(), 1);
    std::copy(shape.extents().begin(), shape.extents().end(),
              full.end() - static_cast<std::ptrdiff_t>(shape.rank()));
    Order inverse(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) inverse[order[i]] = i;
    const bool stays = keeps_memory(inverse, Shape(full));
    if (!stays && !to().is_constant(now)) return std::nullopt;
    if (stays) return to().apply(Reshape{permuted(Shape(full), order)}, {now});
    return to().apply(Transpose{inverse}, {to().apply(Reshape{Shape(full)}, {now})});
  }

  /// The same axes of the source; those that go away leave the order as well.
  bool move(const Node& node, const Reduce& reduce) {
    if (!pending(node.inputs[0])) return false;
    const Order order = pending(node.inputs[0])->order;
    Reduce moved = reduce;
    std::vector<bool> gone(order.size());
    for (std::size_t& axis : moved.axes) {
      axis = order[axis];
      gone[axis] = true;
    }
    std::sort(moved.axes.begin(), moved.axes.end());
    if (reduce.keep_axes) return move_one(node, std::move(moved), order);
    Order left;
    for (const std::size_t axis : order) {
      if (gone[axis]) continue;
      left.push_back(axis -
                     static_cast<std::size_t>(std::count(
                         gone.begin(), gone.begin() + static_cast<std::ptrdiff_t>(axis), true)));
    }
    return move_one(node, std::move(moved), left);
  }

  bool move(const Node& node, const Reshape& reshape) {
    const Value x = node.inputs[0];
    if (!pending(x)) return false;
    const Pending waits = *pending(x);
    const std::optional<MovedReshape> moved =
        move_reshape(to().shape(waits.source), waits.order, reshape.shape);
    if (!moved) return false;
    postpone(node.results[0], to().apply(Reshape{moved->shape}, {waits.source}), moved->order);
    return true;
  }

  const Graph& from_;
  Rewriter rewriter_;
  std::vector<std::optional<Pending>> pending_;
};

}  // namespace

Graph cancel_transposes(const Graph& graph) {
  const auto transposes = [](const Graph& of) {
    return std::count_if(of.nodes().begin(), of.nodes().end(), [](const Node& node) {
      return std::holds_alternative<Transpose>(node.operation);
    });
  };
  Graph moved = Pass(graph).run();
  // Where a transposed value is an output as well, moving on may write it twice.
  return transposes(moved) <= transposes(graph) ? std::move(moved) : graph;
}

}  // namespace metalaudio::nn
