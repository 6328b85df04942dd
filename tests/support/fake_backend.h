#pragma once

#include <metalaudio/nn/backend.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/fake_device.h"

namespace metalaudio::nn {

/// A second backend, as slow as it likes. It runs on the processor, in memory of its own.
struct FakeBackendOptions {
  /// A FakeDevice's memory, whose handles are no pointers; null: host memory.
  std::shared_ptr<FakeDevice> device = {};
  /// Why it does not take a node; nothing: it takes what it can run.
  std::function<std::string(const Node&)> refuse = {};
  /// By the plain reference, which takes every type, rather than with the CPU's steps.
  bool by_reference = false;
  /// In which it keeps float32 values; only by the reference.
  std::optional<DataType> value_type = {};
  /// The steps of a stretch run in any order in which they may, another one with every run.
  bool side_by_side = false;
  /// Every step reads and writes its values one element behind a line of 64 bytes.
  bool misalign = false;
};

class FakeBackend final : public Backend {
 public:
  explicit FakeBackend(FakeBackendOptions options);

  std::string_view name() const noexcept override { return "fake"; }
  std::shared_ptr<AudioDevice> device() const override { return options_.device; }
  std::optional<DataType> value_type() const override { return options_.value_type; }
  std::string refusal(const Graph& graph, const Node& node) const override;
  std::vector<StepPlan> plan_steps(const Graph& graph, std::span<const int> nodes,
                                   bool fuse) const override;
  bool side_by_side() const noexcept override { return options_.side_by_side; }
  std::unique_ptr<Runner> make_runner(std::span<const std::unique_ptr<Step>> steps,
                                      std::span<const StepsBefore> before,
                                      ThreadPool* pool) const override;

 private:
  FakeBackendOptions options_;
  std::shared_ptr<const Backend> inner_;
};

}  // namespace metalaudio::nn
