#include <metalaudio/core/cpu/control_groups.h>
#include <metalaudio/core/cpu/system_files.h>
#include <metalaudio/core/hardware_profile.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <thread>

namespace metalaudio {

namespace {

constexpr double kFairMargin = 10.0;
constexpr double kCriticalMargin = 5.0;

void read_cores(HardwareProfile& profile, const SystemFolders& folders) {
  const auto cpus = folders.sys / "devices/system/cpu";
  const std::vector<std::size_t> online = parse_index_list(read_line(cpus / "online").value_or(""));
  std::set<std::string> cores;  // the list of a core's threads names the core
  for (const std::size_t cpu : online) {
    const auto topology = cpus / ("cpu" + std::to_string(cpu)) / "topology";
    if (auto siblings = read_line(topology / "thread_siblings_list")) cores.insert(*siblings);
  }
  profile.logical_cores =
      online.empty() ? std::max(1U, std::thread::hardware_concurrency()) : online.size();
  profile.physical_cores = cores.empty() ? profile.logical_cores : cores.size();

  const auto allowed =
      parse_index_list(read_value(folders.proc / "self/status", "Cpus_allowed_list").value_or(""));
  profile.usable_cores =
      allowed.empty() ? profile.logical_cores : std::min(profile.logical_cores, allowed.size());
}

std::size_t meminfo_bytes(const SystemFolders& folders, const std::string& key) {
  const auto value = read_value(folders.proc / "meminfo", key);
  const std::int64_t kibibytes = value ? parse_number(*value).value_or(0) : 0;
  return static_cast<std::size_t>(std::max<std::int64_t>(kibibytes, 0)) * 1024;
}

void apply_control_groups(HardwareProfile& profile, const SystemFolders& folders) {
  const ControlGroupLimits limits = read_control_groups(folders);
  const auto lower = [](std::size_t& value, const std::optional<std::int64_t>& limit) {
    if (limit && *limit >= 0) value = std::min(value, static_cast<std::size_t>(*limit));
  };
  const std::size_t whole_machine = profile.memory_bytes;
  lower(profile.memory_bytes, limits.memory_bytes);
  profile.memory_is_limited = profile.memory_bytes < whole_machine;
  lower(profile.available_memory_bytes, limits.available_memory_bytes);
  if (limits.cores) {
    const auto whole = static_cast<std::size_t>(std::max(1.0, std::ceil(*limits.cores)));
    profile.usable_cores = std::min(profile.usable_cores, whole);
  }
}

/// "some avg10=1.25 avg60=…": the percentage after avg10=.
std::optional<double> ten_second_average(const std::filesystem::path& file,
                                         const std::string& kind) {
  const auto line = read_value(file, kind);
  if (!line || !line->starts_with("avg10=")) return std::nullopt;
  const char* const begin = line->c_str() + std::string("avg10=").size();
  char* end = nullptr;
  const double percent = std::strtod(begin, &end);
  return end == begin ? std::nullopt : std::optional(percent);
}

std::optional<double> read_celsius(const std::filesystem::path& file) {
  const auto millidegrees = read_number(file);
  if (!millidegrees) return std::nullopt;
  return static_cast<double>(*millidegrees) / 1000.0;
}

std::vector<ThermalZone> read_thermal_zones(const SystemFolders& folders) {
  std::vector<ThermalZone> zones;
  for (const auto& folder : entries(folders.sys / "class/thermal", "thermal_zone")) {
    const auto celsius = read_celsius(folder / "temp");
    if (!celsius) continue;
    ThermalZone zone{.name = read_line(folder / "type").value_or(""), .celsius = *celsius};
    for (const auto& file : entries(folder, "trip_point_")) {
      const std::string name = file.filename().string();
      if (!name.ends_with("_type")) continue;
      const std::string point = name.substr(0, name.size() - std::string("_type").size());
      const auto kind = read_line(file);
      if (kind == "passive") zone.passive_celsius = read_celsius(folder / (point + "_temp"));
      if (kind == "critical") zone.critical_celsius = read_celsius(folder / (point + "_temp"));
    }
    zones.push_back(std::move(zone));
  }
  return zones;
}

void read_power(HardwareProfile& profile, const SystemFolders& folders) {
  for (const auto& supply : entries(folders.sys / "class/power_supply")) {
    const auto type = read_line(supply / "type");
    if (type == "Battery") {
      if (read_line(supply / "scope") == "Device") continue;  // a mouse's, not the machine's
      if (const auto percent = read_number(supply / "capacity")) {
        profile.battery_percent = static_cast<int>(*percent);
      }
      if (read_line(supply / "status") == "Discharging" &&
          profile.power_source == PowerSource::unknown) {
        profile.power_source = PowerSource::battery;
      }
    } else if (read_number(supply / "online") == 1) {
      profile.power_source = PowerSource::mains;
    }
  }
}

std::vector<std::string> read_governors(const SystemFolders& folders) {
  std::set<std::string> governors;
  for (const auto& policy : entries(folders.sys / "devices/system/cpu/cpufreq", "policy")) {
    if (auto governor = read_line(policy / "scaling_governor")) governors.insert(*governor);
  }
  return {governors.begin(), governors.end()};
}

ThermalState state_of(const ThermalZone& zone) noexcept {
  if (zone.critical_celsius && zone.celsius >= *zone.critical_celsius - kCriticalMargin) {
    return ThermalState::critical;
  }
  if (!zone.passive_celsius || zone.celsius < *zone.passive_celsius - kFairMargin) {
    return ThermalState::nominal;
  }
  return zone.celsius < *zone.passive_celsius ? ThermalState::fair : ThermalState::serious;
}

}  // namespace

std::optional<MemoryPressure> read_memory_pressure(const std::filesystem::path& file) {
  const auto some = ten_second_average(file, "some");
  const auto full = ten_second_average(file, "full");
  if (!some || !full) return std::nullopt;
  return MemoryPressure{*some, *full};
}

HardwareProfile HardwareProfile::detect(const SystemFolders& folders) {
  HardwareProfile profile;
  profile.cpu_name = read_value(folders.proc / "cpuinfo", "model name").value_or(profile.cpu_name);
  profile.instructions = InstructionSets::detect();
  read_cores(profile, folders);
  profile.memory_bytes = meminfo_bytes(folders, "MemTotal");
  profile.available_memory_bytes = meminfo_bytes(folders, "MemAvailable");
  apply_control_groups(profile, folders);
  profile.memory_pressure = read_memory_pressure(folders.proc / "pressure/memory");
  profile.thermal_zones = read_thermal_zones(folders);
  read_power(profile, folders);
  profile.frequency_governors = read_governors(folders);
  return profile;
}

ThermalState HardwareProfile::thermal_state() const noexcept {
  ThermalState hottest = ThermalState::nominal;
  for (const ThermalZone& zone : thermal_zones) hottest = std::max(hottest, state_of(zone));
  return hottest;
}

}  // namespace metalaudio
