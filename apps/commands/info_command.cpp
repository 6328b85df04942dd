#include <fmt/format.h>
#include <metalaudio/core/hardware_profile.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "apps/commands/commands.h"
#include "apps/commands/versions.h"
#include "apps/terminal/console.h"
#include "apps/terminal/figure_text.h"
#include "apps/terminal/gpu_text.h"

namespace metalaudio::apps {
namespace {

using Row = std::pair<std::string, std::string>;

std::string instruction_text(const InstructionSets& sets) {
  const std::vector<std::pair<bool, const char*>> names = {
      {sets.avx2, "AVX2"},
      {sets.avx512, "AVX-512"},
      {sets.avx512_vnni, "AVX-512 VNNI"},
      {sets.avx512_bf16, "AVX-512 BF16"},
      {sets.amx_bf16, "AMX BF16"},
      {sets.amx_int8, "AMX INT8"},
      {sets.neon, "NEON"},
  };
  std::string text;
  for (const auto& [there, name] : names)
    if (there) text += (text.empty() ? "" : ", ") + std::string(name);
  return text.empty() ? "baseline only" : text;
}

std::string thermal_text(const HardwareProfile& profile) {
  if (profile.thermal_zones.empty()) return "unknown";
  double hottest = profile.thermal_zones.front().celsius;
  for (const ThermalZone& zone : profile.thermal_zones) hottest = std::max(hottest, zone.celsius);
  const char* state = "nominal";
  switch (profile.thermal_state()) {
    case ThermalState::nominal:
      break;
    case ThermalState::fair:
      state = "fair";
      break;
    case ThermalState::serious:
      state = "serious";
      break;
    case ThermalState::critical:
      state = "critical";
      break;
  }
  return fmt::format("{}, {:.0f} °C", state, hottest);
}

std::string power_text(const HardwareProfile& profile) {
  std::string text = profile.power_source == PowerSource::mains     ? "mains"
                     : profile.power_source == PowerSource::battery ? "battery"
                                                                    : "unknown";
  if (profile.battery_percent) text += fmt::format(", {} % charged", *profile.battery_percent);
  for (const std::string& governor : profile.frequency_governors) text += ", " + governor;
  return text;
}

std::vector<Row> machine_rows(const HardwareProfile& profile) {
  std::vector<Row> rows = {
      {"processor", profile.cpu_name},
      {"cores", fmt::format("{} physical, {} logical, {} for this program", profile.physical_cores,
                            profile.logical_cores, profile.usable_cores)},
      {"instructions", instruction_text(profile.instructions)},
      {"memory", fmt::format("{}, {} available", memory_text(profile.memory_bytes),
                             memory_text(profile.available_memory_bytes))}};
  if (profile.memory_pressure)
    rows.emplace_back("pressure", fmt::format("{:.1f} % of the time waits for memory",
                                              profile.memory_pressure->some_percent));
  rows.emplace_back("heat", thermal_text(profile));
  rows.emplace_back("power", power_text(profile));
  for (Row& row : gpu_rows(survey_gpus())) rows.push_back(std::move(row));
  return rows;
}

std::string info_text() {
  std::string text =
      fmt::format("MetalAudio {}, commit {}\n\nMachine\n", METALAUDIO_VERSION, commit_text());
  for (const auto& [name, value] : machine_rows(HardwareProfile::detect()))
    text += fmt::format("  {:13} {}\n", name, value);
  text += "\nLibraries\n";
  for (const LibraryVersion& library : library_versions())
    text += fmt::format("  {:13} {}\n", library.name, library.version);
  text.pop_back();
  return text;
}

}  // namespace

void add_info_command(CLI::App& app, int& status) {
  CLI::App* command =
      app.add_subcommand("info", "Show this machine and what the program uses of it");
  command->callback([&status] {
    print_result(info_text());
    status = 0;
  });
}

}  // namespace metalaudio::apps
