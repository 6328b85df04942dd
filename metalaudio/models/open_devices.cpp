#include <metalaudio/core/error.h>
#include <metalaudio/models/error_text.h>
#include <metalaudio/models/open_devices.h>

#include <algorithm>
#include <charconv>
#include <future>
#include <optional>

namespace metalaudio::models {

namespace {

/// "cuda" is the first of them.
std::optional<int> gpu_index(std::string_view name) {
  constexpr std::string_view kCuda = "cuda";
  if (!name.starts_with(kCuda)) return std::nullopt;
  name.remove_prefix(kCuda.size());
  if (name.empty()) return 0;
  if (name.front() != ':' || name.size() < 2 || name[1] == '-') return std::nullopt;
  int index = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return index;
}

/// The GPUs of a list; nothing where it is none.
std::optional<std::vector<int>> gpu_indices(std::string_view list) {
  std::vector<int> indices;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const auto index = gpu_index(list.substr(begin, end - begin));
    if (!index) return std::nullopt;
    indices.push_back(*index);
    begin = end + 1;
  }
  return indices;
}

OpenDevices open(const std::vector<int>& indices) {
  OpenDevices opened;
  opened.text.clear();
  // Each takes its time to wake up.
  std::vector<std::future<std::shared_ptr<AudioDevice>>> waking;
  for (std::size_t i = 1; i < indices.size(); ++i)
    waking.push_back(std::async(std::launch::async, open_device, DeviceType::cuda, indices[i]));
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const int index = indices[i];
    opened.gpus.push_back(i == 0 ? open_device(DeviceType::cuda, index) : waking[i - 1].get());
    opened.text += fmt::format("{}cuda:{} ({})", opened.text.empty() ? "" : ", ", index,
                               opened.gpus.back()->properties().name);
  }
  return opened;
}

}  // namespace

bool names_devices(std::string_view devices) {
  return devices == "auto" || devices == "cpu" || gpu_indices(devices).has_value();
}

std::vector<std::shared_ptr<AudioDevice>> devices_of_job(const OpenDevices& devices,
                                                         std::size_t job, std::size_t jobs) {
  const std::size_t count = devices.gpus.size();
  if (jobs == 1 || count == 0) return devices.gpus;
  const std::shared_ptr<AudioDevice>& gpu = devices.gpus[job % count];
  return {job < count ? gpu : open_device(DeviceType::cuda, gpu->properties().index)};
}

std::vector<int> spares_of_job(const OpenDevices& devices, std::size_t job, std::size_t jobs) {
  std::vector<int> spares;
  const std::size_t count = devices.gpus.size();
  for (std::size_t i = 1; jobs > 1 && i < count; ++i)
    spares.push_back(devices.gpus[(job + i) % count]->properties().index);
  return spares;
}

namespace {

/// Without what the device's name says already.
std::string_view reason_of(const Error& error) {
  std::string_view reason = without_operation(error.what());
  if (reason.starts_with("cuda: ")) reason.remove_prefix(6);
  return reason;
}

}  // namespace

OpenDevices open_devices(std::string_view devices) {
  if (devices == "cpu") return {};
  if (devices == "auto") {
    try {
      return open({0});
    } catch (const Error& error) {
      if (error.code() != ErrorCode::backend_unavailable &&
          error.code() != ErrorCode::out_of_memory)
        throw;
      OpenDevices cpu;
      cpu.no_gpu = reason_of(error);
      return cpu;
    }
  }
  const auto indices = gpu_indices(devices);
  if (!indices)
    fail(ErrorCode::invalid_argument,
         "device {}: expected auto, cpu, cuda, cuda:1 or a list as in cuda:0,cuda:1", devices);
  std::vector<int> sorted = *indices;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end())
    fail(ErrorCode::invalid_argument, "device {}: one is named twice", devices);
  try {
    return open(*indices);
  } catch (const Error& error) {
    fail(error.code(), "device {}: {}", devices, reason_of(error));
  }
}

}  // namespace metalaudio::models
