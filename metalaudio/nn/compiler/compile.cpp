#include <metalaudio/core/error.h>
#include <metalaudio/nn/compiler/narrow_values.h>
#include <metalaudio/nn/compiler/place_nodes.h>
#include <metalaudio/nn/compiler/program.h>
#include <metalaudio/nn/compiler/program_memory.h>
#include <metalaudio/nn/compiler/simplify.h>
#include <metalaudio/nn/cpu_backend.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <utility>

namespace metalaudio::nn {

namespace {

/// A step on its way into the program.
struct Pending {
  StepPlan plan = {};
  int place = 0;
  std::size_t index = 0;  ///< among the place's steps
  int time = 0;           ///< when it runs
};

/// Compiles one graph. Every value has an owner, whose memory its aliases share; an owner has a
/// slot on each place that reads or writes it. Time counts steps and copies; -1 is before the
/// first.
class Compiler {
 public:
  Compiler(const Graph& graph, const PlanOptions& options,
           std::span<const std::shared_ptr<const Backend>> backends, Places places)
      : graph_(graph),
        options_(options),
        program_(std::make_unique<Program>()),
        node_places_(std::move(places.places)) {
    program_->placement = std::move(places.why);
    for (const auto& backend : backends) {
      program_->places.push_back({backend, backend->device(), {}, {}, {}, 0});
    }
    for (std::size_t i = 0; host_ < 0 && i < program_->places.size(); ++i) {
      if (!program_->places[i].device) host_ = static_cast<int>(i);
    }
    if (host_ < 0) {
      host_ = static_cast<int>(program_->places.size());
      program_->places.emplace_back();
    }
    ports_ = options.ports_place.value_or(host_);
    if (ports_ < 0 || ports_ >= static_cast<int>(program_->places.size())) {
      fail(ErrorCode::invalid_argument, "[nn::Plan] inputs and outputs on backend {} of {}", ports_,
           program_->places.size());
    }
    own_aliases();
  }

  std::unique_ptr<const Program> run() {
    bind_inputs_and_states();
    std::vector<Pending> steps = plan_steps();
    for (Pending& step : steps) add_step(step);
    least_values_ = arena_bytes(*program_, uses_) + program_->statistics.state_bytes;
    least_weights_ = least_weight_bytes(graph_, options_.precision);
    count_kept(0, 0);
    make_steps(steps);
    finish_states_and_outputs();
    lay_out(*program_, uses_);
    bind_constants(*program_);
    const PlanStatistics& taken = program_->statistics;
    check_memory(
        taken.activation_bytes + taken.state_bytes + scratch_bytes(*program_, options_.pool),
        taken.weight_bytes, options_);
    program_->statistics.operations = graph_.nodes().size();
    program_->statistics.steps = program_->reports.size();
    return std::move(program_);
  }

 private:
  void own_aliases() {
    for (std::size_t i = 0; i < graph_.values().size(); ++i) {
      const ValueInfo& info = graph_.values()[i];
      const Node* node =
          info.node < 0 ? nullptr : &graph_.nodes()[static_cast<std::size_t>(info.node)];
      const bool alias = node != nullptr && is_alias(node->operation);
      owners_.push_back(alias ? owner(node->inputs[0]) : Value{static_cast<int>(i)});
    }
  }
  Value owner(Value value) const { return owners_[static_cast<std::size_t>(value.index)]; }

  Slot new_slot(SlotKind kind, int place, std::size_t bytes) {
    return new_slot(kind, place, bytes, time_);
  }
  Slot new_slot(SlotKind kind, int place, std::size_t bytes, int time) {
    program_->slots.push_back({kind, place, bytes, 0, nullptr});
    uses_.add(bytes, time);
    return {static_cast<int>(program_->slots.size()) - 1};
  }
  SlotInfo& info(Slot slot) { return program_->slots[static_cast<std::size_t>(slot.index)]; }
  void touch(Slot slot) { uses_.touch(slot, time_); }

  Slot* find(Value owner, int place) {
    const auto found = slots_.find({owner.index, place});
    return found == slots_.end() ? nullptr : &found->second;
  }

  /// The slot that holds a value on a place, for reading now; copies it there first where it is
  /// not.
  Slot read(Value value, int place) {
    const Value own = owner(value);
    if (const Slot* slot = find(own, place)) {
      touch(*slot);
      return *slot;
    }
    const ValueInfo& value_info = graph_.info(own);
    if (value_info.kind == ValueKind::constant) {
      const Slot slot = new_slot(SlotKind::constant, place, value_info.type.bytes());
      info(slot).constant = value_info.constant.tensor();
      return slots_[{own.index, place}] = slot;
    }
    const auto elsewhere = std::find_if(slots_.begin(), slots_.end(), [&](const auto& entry) {
      return entry.first.first == own.index;
    });
    if (elsewhere == slots_.end()) {
      fail(ErrorCode::invalid_argument, "[nn::Plan] value {} is read before it is made", own.index);
    }
    const Slot to = new_slot(SlotKind::arena, place, value_info.type.bytes());
    copy(elsewhere->second, to);
    slots_[{own.index, place}] = to;
    touch(to);
    return to;
  }

  void copy(Slot from, Slot to) {
    touch(from);
    touch(to);
    program_->items.push_back({0, 0, 0, true, from, to});
    ++program_->statistics.copies;
    ++time_;
  }

  void bind_inputs_and_states() {
    time_ = -1;
    for (const auto& [name, value] : graph_.inputs()) {
      const Slot slot = new_slot(SlotKind::arena, ports_, graph_.type(value).bytes());
      slots_[{value.index, ports_}] = slot;
      program_->inputs.push_back({name, graph_.type(value), slot});
    }
    for (const GraphState& state : graph_.states()) bind_state(state);
    time_ = 0;
  }

  /// A state's read slot, and a second one that the value which replaces it is written to, where
  /// that value is made by a step and stands for no other state.
  void bind_state(const GraphState& state) {
    const std::size_t bytes = graph_.type(state.value).bytes();
    const Value next = owner(state.next);
    const int node = graph_.info(next).node;
    const int place = node < 0 ? host_ : node_places_[static_cast<std::size_t>(node)];
    const auto half = [&] {
      const Slot slot = new_slot(SlotKind::state, place, bytes);
      info(slot).constant = graph_.info(state.value).constant.tensor();
      program_->statistics.state_bytes += bytes;
      return slot;
    };
    ProgramState made{half(), {}};
    slots_[{state.value.index, place}] = made.read;
    made.write = next == state.value ? made.read : half();
    direct_states_.push_back(node >= 0 && written_.try_emplace(next.index, made.write).second);
    program_->states.push_back(made);
  }

  /// Every backend's steps in one order in which they may run: a step stands where its last node
  /// stood, so that all its inputs come before it.
  std::vector<Pending> plan_steps() {
    std::vector<Pending> steps;
    for (std::size_t p = 0; p < program_->places.size(); ++p) {
      const Program::Place& place = program_->places[p];
      if (!place.backend) continue;
      std::vector<int> nodes;
      for (std::size_t i = 0; i < node_places_.size(); ++i) {
        if (node_places_[i] == static_cast<int>(p)) nodes.push_back(static_cast<int>(i));
      }
      for (StepPlan& plan : place.backend->plan_steps(graph_, nodes, options_.fuse)) {
        steps.push_back({std::move(plan), static_cast<int>(p), 0, 0});
      }
    }
    std::stable_sort(steps.begin(), steps.end(), [](const Pending& a, const Pending& b) {
      return a.plan.nodes.back() < b.plan.nodes.back();
    });
    return steps;
  }

  /// What a step is told while it is made.
  class Maker final : public StepMaker {
   public:
    Maker(Compiler& compiler, const Pending& step) : compiler_(compiler), step_(step) {}
    const Graph& graph() const override { return compiler_.graph_; }
    Slot slot(Value value) const override {
      if (!value.present()) return {};
      const Value owner = compiler_.owner(value);
      const auto listed = [&](Value other) {
        return other.present() && compiler_.owner(other) == owner;
      };
      if (std::ranges::none_of(step_.plan.inputs, listed) &&
          std::ranges::none_of(step_.plan.results, listed)) {
        fail(ErrorCode::invalid_argument, "[nn::Plan] a step reads value {}, which it did not list",
             value.index);
      }
      return *compiler_.find(owner, step_.place);
    }
    Slot temporary(std::size_t bytes) override { return compiler_.new_temporary(step_, bytes); }
    void will_keep(std::size_t bytes) override { compiler_.count_kept(bytes, 0); }

   private:
    Compiler& compiler_;
    const Pending& step_;
  };

  /// What steps keep: tables before they are made, weights as they are packed.
  void count_kept(std::size_t tables, std::size_t weights) {
    const std::lock_guard lock(making_);
    tables_ += tables;
    weights_ += weights;
    check_memory(least_values_, std::max(weights_, least_weights_) + tables_, options_);
  }

  Slot new_temporary(const Pending& step, std::size_t bytes) {
    const std::lock_guard lock(making_);
    const Slot slot = new_slot(SlotKind::arena, step.place, bytes, step.time);
    uses_.touch(slot, step.time);
    return slot;
  }

  /// At once on all threads, as packing weights takes most of the time.
  void make_steps(std::vector<Pending>& steps) {
    std::vector<std::exception_ptr> trouble(steps.size());
    std::atomic<bool> failed = false;
    const auto make = [&](std::size_t i, std::size_t) noexcept {
      if (failed) return;
      try {
        Maker maker(*this, steps[i]);
        std::unique_ptr<Step> step = steps[i].plan.make(maker);
        count_kept(0, step->weight_bytes());
        program_->places[static_cast<std::size_t>(steps[i].place)].steps[steps[i].index] =
            std::move(step);
      } catch (...) {
        trouble[i] = std::current_exception();
        failed = true;
      }
    };
    if (options_.pool != nullptr) {
      options_.pool->parallel_for(steps.size(), make);
    } else {
      for (std::size_t i = 0; i < steps.size(); ++i) make(i, 0);
    }
    for (const std::exception_ptr& first : trouble)
      if (first) std::rethrow_exception(first);
    program_->statistics.weight_bytes = weights_ + tables_;
  }

  void add_step(Pending& pending) {
    const StepPlan& plan = pending.plan;
    ProgramEdge edge;
    for (const Value input : plan.inputs) {
      if (input.present()) edge.inputs.push_back(read(input, pending.place).index);
    }
    std::vector<Slot> reads;
    for (const Value input : plan.inputs) {  // again: copies may have come between
      if (input.present()) reads.push_back(read(input, pending.place));
    }
    for (const Value result : plan.results) {
      const auto state = written_.find(result.index);
      const Slot slot = state != written_.end()
                            ? state->second
                            : new_slot(SlotKind::arena, pending.place, graph_.type(result).bytes());
      uses_.make(slot, time_);
      slots_[{result.index, pending.place}] = slot;
      edge.results.push_back(slot.index);
    }
    Program::Place& place = program_->places[static_cast<std::size_t>(pending.place)];
    const std::size_t index = pending.index = place.steps.size();
    pending.time = time_;
    place.steps.emplace_back();
    place.reports.push_back(program_->reports.size());
    const Node& node = graph_.nodes()[static_cast<std::size_t>(plan.nodes.front())];
    program_->reports.push_back({plan.kind, node.label, std::string(place.backend->name()),
                                 graph_.type(plan.results.front()).to_string(), plan.cost});
    program_->edges.push_back(std::move(edge));
    ProgramItem* last = program_->items.empty() ? nullptr : &program_->items.back();
    if (last != nullptr && !last->copy && last->place == pending.place && last->last == index) {
      ++last->last;
    } else {
      program_->items.push_back({pending.place, index, index + 1, false, {}, {}});
    }
    if (place.backend->side_by_side()) {
      const auto in_stretch = static_cast<int>(index - program_->items.back().first);
      StepsBefore& before = place.before.emplace_back();
      for (const int earlier : uses_.wait(time_, time_ - in_stretch, reads))
        before.push_back(index - static_cast<std::size_t>(time_ - earlier));
    }
    ++time_;
  }

  void finish_states_and_outputs() {
    for (std::size_t i = 0; i < program_->states.size(); ++i) {
      const ProgramState& state = program_->states[i];
      const Value next = graph_.states()[i].next;
      if (direct_states_[i] || state.read.index == state.write.index) continue;
      copy(read(next, info(state.write).place), state.write);
    }
    for (const auto& [name, value] : graph_.outputs()) {
      Slot slot = read(value, ports_);
      // What lies in a state moves when the halves swap; an output stays.
      if (info(slot).kind == SlotKind::state) {
        const Slot still = new_slot(SlotKind::arena, ports_, info(slot).bytes);
        copy(slot, still);
        slot = still;
      }
      program_->outputs.push_back({name, graph_.type(value), slot});
    }
    for (const Port& port : program_->outputs) touch(port.slot);
  }

  const Graph& graph_;
  const PlanOptions& options_;
  std::unique_ptr<Program> program_;
  std::vector<int> node_places_;
  int host_ = -1;
  int ports_ = -1;  ///< where inputs and outputs lie
  int time_ = 0;
  std::vector<Value> owners_;
  std::map<std::pair<int, int>, Slot> slots_;  // by owner and place
  std::map<int, Slot> written_;                // values that are written into a state
  std::vector<bool> direct_states_;
  SlotUses uses_;
  std::size_t least_values_ = 0;
  std::size_t least_weights_ = 0;
  std::size_t tables_ = 0;
  std::size_t weights_ = 0;
  std::mutex making_;  ///< for what steps ask for and are counted by
};

}  // namespace

std::unique_ptr<const Program> compile(const Graph& graph, const PlanOptions& options) {
  // Before anything is made that is as large as a value, such as a table of its places.
  for (const Node& node : graph.nodes()) {
    for (const Value result : node.results)
      if (result.present()) check_memory(graph.type(result).bytes(), 0, options);
  }
  std::vector<std::shared_ptr<const Backend>> backends = options.backends;
  if (backends.empty()) {
    backends.push_back(make_cpu_backend(options.precision,
                                        options.pool != nullptr ? options.pool->threads() : 1,
                                        options.tolerances));
  }
  Graph simple = graph;
  if (options.simplify) {
    const auto fold = [&](const Graph& g) { return fold_constants(g, options.memory_limit_bytes); };
    simple = forward_convolutions(fold(cancel_transposes(fold(graph))));
  }
  Places places = place_nodes(simple, backends, options);
  if (std::any_of(backends.begin(), backends.end(),
                  [](const auto& backend) { return backend->value_type().has_value(); })) {
    simple = narrow_values(simple, backends, places.places);
    places.places = place_nodes(simple, backends, options).places;
  }
  return Compiler(simple, options, backends, std::move(places)).run();
}

}  // namespace metalaudio::nn
