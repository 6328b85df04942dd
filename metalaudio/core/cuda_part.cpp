#include <metalaudio/core/cuda_part.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/gpu_profile.h>

#include <dlfcn.h>
#include <elf.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>

namespace metalaudio {

namespace {

constexpr const char* kFile = "libmetalaudio_cuda.so";

/// The folders in which it may lie: that of this code's own file, the lib folder next to it, and
/// lib/metalaudio above it, where it is installed for programs, C libraries and Python packages.
std::vector<std::filesystem::path> folders() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&cuda_function), &info) == 0 || info.dli_fname == nullptr) {
    return {};
  }
  std::error_code error;
  std::filesystem::path file = std::filesystem::canonical(info.dli_fname, error);
  // A program that was found by the search path is named without one.
  if (error) file = std::filesystem::canonical("/proc/self/exe", error);
  if (error) return {};
  const std::filesystem::path folder = file.parent_path();
  std::vector<std::filesystem::path> all{folder, folder.parent_path() / "lib",
                                         folder.parent_path() / "lib/metalaudio"};
  for (std::filesystem::path above = folder; above.has_relative_path(); above = above.parent_path())
    if (above.filename() == "lib") all.push_back(above / "metalaudio");
  return all;
}

struct Library {
  void* handle = nullptr;
  std::string trouble;  ///< why it is not there
};

/// Whether a file of ELF ends before what it says that it holds: to open it would be a bus error.
bool is_cut_short(const std::filesystem::path& path) {
  Elf64_Ehdr header{};
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error || !file.read(reinterpret_cast<char*>(&header), sizeof header)) return true;
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
         (header.e_shoff > size ||
          size - header.e_shoff < std::uintmax_t{header.e_shnum} * header.e_shentsize);
}

Library load() {
  Library library;
  std::string reason;
  const auto open = [&](const std::string& name) {
    library.handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    const char* const message = library.handle == nullptr ? dlerror() : nullptr;
    if (message != nullptr) reason = message;
    return library.handle != nullptr;
  };
  bool found = false;
  for (const std::filesystem::path& folder : folders()) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(folder / kFile, error)) continue;
    found = true;
    if (is_cut_short(folder / kFile)) {
      reason = fmt::format("{} is cut short: install it again", (folder / kFile).string());
      continue;
    }
    if (open(folder / kFile)) break;
  }
  if (!found && !open(kFile)) {
    library.trouble = fmt::format("this build has no CUDA part ({} is not there)", kFile);
    return library;
  }
  if (library.handle == nullptr) {
    library.trouble = fmt::format("the CUDA part cannot be loaded: {}", reason);
    return library;
  }
  using Version = const char*();
  auto* const version =
      reinterpret_cast<Version*>(dlsym(library.handle, "metalaudio_cuda_version"));
  if (version == nullptr || std::string_view(version()) != METALAUDIO_VERSION) {
    library.trouble = version == nullptr ? fmt::format("{} is not MetalAudio's", kFile)
                                         : fmt::format("{} is of version {}, and this is {}", kFile,
                                                       version(), METALAUDIO_VERSION);
    library.handle = nullptr;
  }
  return library;
}

const Library& library() {
  static const Library loaded = load();
  return loaded;
}

}  // namespace

void* cuda_function(const char* name) {
  const Library& part = library();
  if (part.handle == nullptr) {
    fail(ErrorCode::backend_unavailable, "[AudioDevice] cuda: {}", part.trouble);
  }
  void* const function = dlsym(part.handle, name);
  if (function == nullptr) {
    fail(ErrorCode::backend_unavailable, "[AudioDevice] cuda: {} has no {}", kFile, name);
  }
  return function;
}

std::vector<DeviceProperties> list_cuda_devices() {
  using List = void(std::vector<DeviceProperties>*);
  std::vector<DeviceProperties> devices;
  if (library().handle != nullptr) {
    cuda_function_as<List>("metalaudio_cuda_list_devices")(&devices);
  }
  return devices;
}

GpuSurvey survey_gpus() {
  using Survey = void(GpuSurvey*);
  GpuSurvey survey;
  survey.trouble = library().trouble;
  if (survey.trouble.empty()) cuda_function_as<Survey>("metalaudio_cuda_survey")(&survey);
  return survey;
}

std::shared_ptr<AudioDevice> make_cuda_device(int index) {
  using Make = void(int, std::shared_ptr<AudioDevice>*);
  std::shared_ptr<AudioDevice> device;
  cuda_function_as<Make>("metalaudio_cuda_make_device")(index, &device);
  return device;
}

}  // namespace metalaudio
