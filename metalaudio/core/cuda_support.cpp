#include <fmt/format.h>
#include <metalaudio/core/cuda_support.h>

#include <charconv>
#include <limits>

namespace metalaudio {

namespace {

/// "90a-real" -> 90, 'a', machine code alone.
struct Architecture {
  int number = 0;
  char kind = ' ';  ///< ' ', 'a' or 'f'
  bool code = true;
  bool ptx = true;
};

Architecture parse(std::string_view text) {
  Architecture architecture;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), architecture.number);
  if (error != std::errc()) return {};
  std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
  if (!rest.empty() && (rest[0] == 'a' || rest[0] == 'f')) {
    architecture.kind = rest[0];
    rest.remove_prefix(1);
  }
  if (rest == "-real") architecture.ptx = false;
  if (rest == "-virtual") architecture.code = false;
  return architecture;
}

template <typename Visit>
void for_each_architecture(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::size_t end = list.find(' ');
    const Architecture architecture = parse(list.substr(0, end));
    if (architecture.number > 0) visit(architecture);
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
  }
}

bool runs_on(const Architecture& code, int major, int minor) {
  const int device = 10 * major + minor;
  const bool same_major = code.number / 10 == major && device >= code.number;
  if (code.kind == 'a') return device == code.number;
  if (code.kind == 'f') return same_major;
  return (code.code && same_major) || (code.ptx && device >= code.number);
}

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

/// Of errors of the CUDA runtime that do not say it.
const char* what_to_do(int error) {
  switch (error) {
    case 46:  // cudaErrorDevicesUnavailable
      return "; another program may hold the GPU for itself";
    case 802:  // cudaErrorSystemNotReady
      return "; nvidia-fabricmanager may have to be started";
    case 803:  // cudaErrorSystemDriverMismatch
      return "; after an update of the driver the machine has to be started again";
    case 804:  // cudaErrorCompatNotSupportedOnDevice
      return "; a libcuda.so of CUDA's compatibility package stands before the driver's";
    default:
      return "; nvidia-smi may tell more";
  }
}

}  // namespace

bool cuda_code_runs_on(std::string_view architectures, int major, int minor) {
  bool runs = false;
  for_each_architecture(
      architectures, [&](const Architecture& code) { runs = runs || runs_on(code, major, minor); });
  return runs;
}

std::string no_gpu_reason(const CudaAnswer& answer) {
  constexpr int kNoDevice = 100;           // cudaErrorNoDevice
  constexpr int kInsufficientDriver = 35;  // cudaErrorInsufficientDriver
  const bool chosen = answer.visible_devices.has_value();
  if (answer.error == 0 && answer.devices > 0) return {};
  if (answer.driver_version == 0) {
    return "no NVIDIA driver answers (a container needs GPUs given to it: --gpus all)";
  }
  if (answer.error == kInsufficientDriver) {
    return fmt::format("the NVIDIA driver is too old: it knows CUDA {}, and this build needs {}",
                       version_text(answer.driver_version), version_text(answer.runtime_version));
  }
  if (answer.error == 0 || answer.error == kNoDevice) {
    if (chosen && answer.visible_devices->empty()) {
      return "CUDA_VISIBLE_DEVICES is empty, which hides every GPU";
    }
    if (chosen) {
      return fmt::format("the driver shows no GPU; CUDA_VISIBLE_DEVICES is \"{}\"",
                         *answer.visible_devices);
    }
    return "the driver finds no GPU";
  }
  return fmt::format("the NVIDIA driver fails: {} (error {}){}", answer.error_text, answer.error,
                     what_to_do(answer.error));
}

std::string wrong_architecture_reason(std::string_view architectures, int major, int minor) {
  if (cuda_code_runs_on(architectures, major, minor)) return {};
  int oldest = std::numeric_limits<int>::max();
  for_each_architecture(architectures, [&](const Architecture& code) {
    if (code.number < oldest) oldest = code.number;
  });
  if (10 * major + minor < oldest) {
    return fmt::format("compute capability {}.{} is too old: this build needs {}.{} at least",
                       major, minor, oldest / 10, oldest % 10);
  }
  return fmt::format("compute capability {}.{}, and this build is for {} alone", major, minor,
                     architectures);
}

}  // namespace metalaudio
