#include "apps/terminal/gpu_text.h"

#include <fmt/format.h>
#include <metalaudio/core/counted.h>

#include "apps/terminal/figure_text.h"

namespace metalaudio::apps {
namespace {

std::string what_it_is(const GpuProfile& gpu) {
  const DeviceProperties& properties = gpu.properties;
  std::string text =
      fmt::format("{}, compute capability {}, {}", properties.name, properties.architecture,
                  counted(properties.compute_units, "multiprocessor"));
  if (properties.clock_mhz > 0) text += fmt::format(" up to {} MHz", properties.clock_mhz);
  text += ", " + memory_text(properties.memory_bytes);
  if (gpu.state.free_memory_bytes) {
    text += fmt::format(", {} free", memory_text(*gpu.state.free_memory_bytes));
  }
  return text;
}

std::string how_it_is(const GpuState& state) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (state.celsius) add(fmt::format("{:.0f} °C", *state.celsius));
  if (state.clock_mhz) add(fmt::format("{} MHz now", *state.clock_mhz));
  if (state.memory_clock_mhz) add(fmt::format("memory {} MHz", *state.memory_clock_mhz));
  if (state.slowed_by_heat) add("slowed by heat");
  if (state.slowed_by_power) add("slowed for power");
  return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> gpu_rows(const GpuSurvey& survey) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const GpuProfile& gpu : survey.gpus) {
    rows.emplace_back(fmt::format("cuda:{}", gpu.properties.index), what_it_is(gpu));
    if (const std::string state = how_it_is(gpu.state); !state.empty())
      rows.emplace_back("", state);
    if (!gpu.trouble.empty()) rows.emplace_back("", "cannot be used: " + gpu.trouble);
  }
  if (rows.empty()) rows.emplace_back("cuda", "none: " + survey.trouble);
  return rows;
}

}  // namespace metalaudio::apps
