#include "tests/support/fake_backend.h"

#include <gtest/gtest.h>
#include <metalaudio/core/array.h>
#include <metalaudio/nn/cpu_backend.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <random>

#include "tests/parity/reference.h"

namespace metalaudio::nn {

namespace {

/// A value that a step reads or writes.
struct Port {
  Slot slot;
  ValueType type;
};

std::vector<Port> ports_of(const StepMaker& maker, const std::vector<Value>& values) {
  std::vector<Port> ports;
  for (const Value value : values) {
    ports.push_back(value.present() ? Port{maker.slot(value), maker.graph().type(value)} : Port{});
  }
  return ports;
}

struct FakeStep final : Step {
  std::unique_ptr<Step> inner = {};  ///< null: by the reference
  Operation operation = {};
  std::vector<Port> inputs = {};
  std::vector<Port> results = {};
  std::size_t weight_bytes() const noexcept override { return inner ? inner->weight_bytes() : 0; }
};

class FakeRunner final : public Runner {
 public:
  FakeRunner(const FakeBackendOptions& options, const Backend& inner,
             std::span<const std::unique_ptr<Step>> steps, std::span<const StepsBefore> before,
             ThreadPool* pool)
      : options_(options), before_(before) {
    for (const auto& step : steps) {
      const auto& fake = static_cast<const FakeStep&>(*step);
      steps_.push_back(&fake);
      runners_.push_back(fake.inner ? inner.make_runner({&fake.inner, 1}, {}, pool) : nullptr);
    }
  }

  void prepare(std::size_t first, std::size_t last, const SlotBinding& binding) override {
    prepared_.push_back(
        {first, last, binding.number, {binding.slots.begin(), binding.slots.end()}});
  }

  void run(std::size_t first, std::size_t last, const SlotBinding& binding) noexcept override {
    expect_known(first, last, binding);
    for (const std::size_t i : order(first, last)) {
      std::vector<SlotAddress> here = in_own_memory(binding.slots);
      if (runners_[i] == nullptr) {
        run_reference(*steps_[i], here);
      } else if (options_.misalign) {
        run_misaligned(*steps_[i], *runners_[i], here);
      } else {
        runners_[i]->run(0, 1, {here});
      }
    }
  }

 private:
  /// A stretch as it was prepared: a GPU replays what it recorded with these addresses.
  struct Prepared {
    std::size_t first = 0;
    std::size_t last = 0;
    std::size_t number = 0;
    std::vector<SlotAddress> slots = {};
  };

  void expect_known(std::size_t first, std::size_t last, const SlotBinding& binding) const {
    const auto found = std::find_if(prepared_.begin(), prepared_.end(), [&](const Prepared& p) {
      return p.first == first && p.last == last && p.number == binding.number;
    });
    if (found == prepared_.end()) {
      EXPECT_EQ(last, first + 1) << "only a timed run takes steps one by one";
      return;
    }
    EXPECT_TRUE(std::equal(found->slots.begin(), found->slots.end(), binding.slots.begin(),
                           binding.slots.end(),
                           [](const SlotAddress& a, const SlotAddress& b) {
                             return a.handle == b.handle && a.offset == b.offset;
                           }))
        << "binding " << binding.number << " has other addresses than when it was prepared";
  }

  std::vector<std::size_t> order(std::size_t first, std::size_t last) {
    std::vector<std::size_t> order;
    std::vector<std::size_t> left(last - first);
    std::iota(left.begin(), left.end(), first);
    while (!left.empty()) {
      const auto waits = [&](std::size_t step) {
        return options_.side_by_side &&
               std::ranges::any_of(before_[step], [&](std::size_t earlier) {
                 return std::ranges::find(left, earlier) != left.end();
               });
      };
      std::vector<std::size_t> ready;
      std::ranges::copy_if(left, std::back_inserter(ready),
                           [&](auto step) { return !waits(step); });
      order.push_back(ready[options_.side_by_side ? random_() % ready.size() : 0]);
      std::erase(left, order.back());
    }
    return order;
  }

  /// Other memory than its own has no address here: who reads it without a copy stops the test.
  std::vector<SlotAddress> in_own_memory(std::span<const SlotAddress> slots) const {
    std::vector<SlotAddress> here(slots.begin(), slots.end());
    for (SlotAddress& at : here) {
      if (options_.device) at = {options_.device->address(at.handle, at.offset), 0};
    }
    return here;
  }

  static SlotAddress& at(std::vector<SlotAddress>& slots, const Port& port) {
    return slots[static_cast<std::size_t>(port.slot.index)];
  }

  static void run_reference(const FakeStep& step, std::vector<SlotAddress>& slots) {
    std::vector<ReferenceValue> values(step.inputs.size());
    ReferenceInputs inputs;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Port& port = step.inputs[i];
      if (port.slot.index < 0) {
        inputs.push_back(nullptr);
        continue;
      }
      values[i] = reference_value({port.type.type, port.type.shape, at(slots, port).host()});
      inputs.push_back(&values[i]);
    }
    const std::vector<ReferenceValue> results = reference(step.operation, inputs);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const Port& port = step.results[i];
      write(results[i], {port.type.type, port.type.shape, at(slots, port).host()});
    }
  }

  static void run_misaligned(const FakeStep& step, Runner& runner, std::vector<SlotAddress> slots) {
    const std::vector<SlotAddress> aligned = slots;
    std::vector<Array<std::byte>> memory;
    const auto move_away = [&](const Port& port) {
      if (port.slot.index < 0 || port.type.bytes() == 0) return;
      const std::size_t element = size_of(port.type.type);
      Array<std::byte>& block = memory.emplace_back(port.type.bytes() + element);
      std::memset(block.data(), 0xFF, block.size());
      std::memcpy(block.data() + element, at(slots, port).host(), port.type.bytes());
      at(slots, port) = {block.data(), element};
    };
    for (const Port& port : step.inputs) move_away(port);
    for (const Port& port : step.results) move_away(port);
    runner.run(0, 1, {slots});
    for (const Port& port : step.results) {
      if (port.type.bytes() == 0) continue;
      std::memcpy(aligned[static_cast<std::size_t>(port.slot.index)].host(), at(slots, port).host(),
                  port.type.bytes());
    }
  }

  const FakeBackendOptions& options_;
  std::span<const StepsBefore> before_;
  std::mt19937 random_{1};
  std::vector<const FakeStep*> steps_;
  std::vector<std::unique_ptr<Runner>> runners_;
  std::vector<Prepared> prepared_;
};

}  // namespace

FakeBackend::FakeBackend(FakeBackendOptions options)
    : options_(std::move(options)), inner_(make_cpu_backend()) {
  if (options_.device) options_.device->poison_cleared = true;
}

std::string FakeBackend::refusal(const Graph& graph, const Node& node) const {
  if (options_.refuse) {
    if (std::string reason = options_.refuse(node); !reason.empty()) return reason;
  }
  return options_.by_reference ? std::string() : inner_->refusal(graph, node);
}

std::vector<StepPlan> FakeBackend::plan_steps(const Graph& graph, std::span<const int> nodes,
                                              bool fuse) const {
  std::vector<StepPlan> plans;
  if (options_.by_reference) {
    for (const int index : nodes) {
      const Node& node = graph.nodes()[static_cast<std::size_t>(index)];
      StepPlan plan{
          std::string(name_of(node.operation)), {index}, node.inputs, node.results, {}, {}};
      plan.make = [&node](StepMaker& maker) {
        auto step = std::make_unique<FakeStep>();
        step->operation = node.operation;
        step->inputs = ports_of(maker, node.inputs);
        step->results = ports_of(maker, node.results);
        return step;
      };
      plans.push_back(std::move(plan));
    }
    return plans;
  }
  plans = inner_->plan_steps(graph, nodes, fuse);
  for (StepPlan& plan : plans) {
    plan.make = [make = std::move(plan.make), inputs = plan.inputs,
                 results = plan.results](StepMaker& maker) {
      auto step = std::make_unique<FakeStep>();
      step->inner = make(maker);
      step->inputs = ports_of(maker, inputs);
      step->results = ports_of(maker, results);
      return step;
    };
  }
  return plans;
}

std::unique_ptr<Runner> FakeBackend::make_runner(std::span<const std::unique_ptr<Step>> steps,
                                                 std::span<const StepsBefore> before,
                                                 ThreadPool* pool) const {
  return std::make_unique<FakeRunner>(options_, *inner_, steps, before, pool);
}

}  // namespace metalaudio::nn
