#include <metalaudio/core/cuda/nvrtc.h>
#include <metalaudio/core/cuda/toolkit_library.h>
#include <metalaudio/core/error.h>

#include <nvrtc.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace metalaudio::cuda {

namespace {

struct Nvrtc {
  decltype(&nvrtcVersion) version = nullptr;
  decltype(&nvrtcGetNumSupportedArchs) architecture_count = nullptr;
  decltype(&nvrtcGetSupportedArchs) architectures = nullptr;
  decltype(&nvrtcCreateProgram) create = nullptr;
  decltype(&nvrtcDestroyProgram) destroy = nullptr;
  decltype(&nvrtcAddNameExpression) add_name = nullptr;
  decltype(&nvrtcGetLoweredName) lowered_name = nullptr;
  decltype(&nvrtcCompileProgram) compile = nullptr;
  decltype(&nvrtcGetProgramLogSize) log_size = nullptr;
  decltype(&nvrtcGetProgramLog) log = nullptr;
  decltype(&nvrtcGetCUBINSize) code_size = nullptr;
  decltype(&nvrtcGetCUBIN) code = nullptr;
  decltype(&nvrtcGetPTXSize) ptx_size = nullptr;
  decltype(&nvrtcGetPTX) ptx = nullptr;
  decltype(&nvrtcGetErrorString) error_text = nullptr;
  bool complete = false;
};

Nvrtc load() {
  Nvrtc nvrtc;
  ToolkitLibrary library{"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
  library.find(nvrtc.version, "nvrtcVersion");
  library.find(nvrtc.architecture_count, "nvrtcGetNumSupportedArchs");
  library.find(nvrtc.architectures, "nvrtcGetSupportedArchs");
  library.find(nvrtc.create, "nvrtcCreateProgram");
  library.find(nvrtc.destroy, "nvrtcDestroyProgram");
  library.find(nvrtc.add_name, "nvrtcAddNameExpression");
  library.find(nvrtc.lowered_name, "nvrtcGetLoweredName");
  library.find(nvrtc.compile, "nvrtcCompileProgram");
  library.find(nvrtc.log_size, "nvrtcGetProgramLogSize");
  library.find(nvrtc.log, "nvrtcGetProgramLog");
  library.find(nvrtc.code_size, "nvrtcGetCUBINSize");
  library.find(nvrtc.code, "nvrtcGetCUBIN");
  library.find(nvrtc.ptx_size, "nvrtcGetPTXSize");
  library.find(nvrtc.ptx, "nvrtcGetPTX");
  library.find(nvrtc.error_text, "nvrtcGetErrorString");
  nvrtc.complete = library.is_complete();
  return nvrtc;
}

const Nvrtc& nvrtc() {
  static const Nvrtc loaded = load();
  return loaded;
}

void check(nvrtcResult result, const char* what) {
  if (result == NVRTC_SUCCESS) return;
  fail(ErrorCode::backend_unavailable, "[Pipeline] NVRTC: {}: {}", what,
       nvrtc().error_text(result));
}

/// Machine code for a GPU that the compiler knows, otherwise PTX for the newest before it.
std::string architecture_option(int capability) {
  int count = 0;
  check(nvrtc().architecture_count(&count), "its architectures");
  std::vector<int> known(static_cast<std::size_t>(std::max(count, 0)));
  if (count > 0) check(nvrtc().architectures(known.data()), "its architectures");
  if (std::ranges::find(known, capability) != known.end()) {
    return fmt::format("--gpu-architecture=sm_{}", capability);
  }
  int newest = 0;
  for (const int architecture : known) {
    if (architecture < capability) newest = std::max(newest, architecture);
  }
  if (newest == 0) {
    fail(ErrorCode::backend_unavailable, "[Pipeline] {} knows no compute capability {}.{}",
         nvrtc_version(), capability / 10, capability % 10);
  }
  return fmt::format("--gpu-architecture=compute_{}", newest);
}

bool names_architecture(const std::string& option) {
  return option.starts_with("--gpu-architecture") || option.starts_with("-arch");
}

template <typename Size, typename Get>
std::string read(nvrtcProgram program, Size size, Get get, const char* what) {
  std::size_t bytes = 0;
  check(size(program, &bytes), what);
  std::string text(bytes, '\0');
  if (bytes > 0) check(get(program, text.data()), what);
  return text;
}

struct DestroyProgram {
  void operator()(nvrtcProgram program) const noexcept { nvrtc().destroy(&program); }
};

}  // namespace

CompiledKernel CompiledKernel::unpack(const std::string& packed) {
  const std::size_t end = packed.find('\0');
  if (end == std::string::npos) return {};
  return {packed.substr(0, end), packed.substr(end + 1)};
}

std::string nvrtc_version() {
  int major = 0, minor = 0;
  if (!nvrtc().complete || nvrtc().version(&major, &minor) != NVRTC_SUCCESS) return "no nvrtc";
  return fmt::format("nvrtc {}.{}", major, minor);
}

CompiledKernel compile_with_nvrtc(const KernelSource& source, int capability) {
  if (!nvrtc().complete) {
    fail(ErrorCode::backend_unavailable,
         "[Pipeline] {}: the CUDA compiler NVRTC (libnvrtc.so.13) is not there", source.entry);
  }
  nvrtcProgram made = nullptr;
  check(nvrtc().create(&made, source.source.c_str(), (source.entry + ".cu").c_str(), 0, nullptr,
                       nullptr),
        "a program");
  const std::unique_ptr<std::remove_pointer_t<nvrtcProgram>, DestroyProgram> program(made);
  check(nvrtc().add_name(made, source.entry.c_str()), "the name of the entry");
  std::vector<const char*> options;
  for (const std::string& option : source.options) options.push_back(option.c_str());
  std::string architecture;
  if (std::ranges::none_of(source.options, names_architecture)) {
    architecture = architecture_option(capability);
    options.push_back(architecture.c_str());
  }
  const nvrtcResult result =
      nvrtc().compile(made, static_cast<int>(options.size()), options.data());
  if (result != NVRTC_SUCCESS) {
    std::string log = read(made, nvrtc().log_size, nvrtc().log, "its log");
    while (!log.empty() && (log.back() == '\0' || log.back() == '\n')) log.pop_back();
    fail(ErrorCode::invalid_argument, "[Pipeline] {} does not compile: {}\n{}", source.entry,
         nvrtc().error_text(result), log);
  }
  const char* name = nullptr;
  check(nvrtc().lowered_name(made, source.entry.c_str(), &name), "the name of the entry");
  CompiledKernel kernel{name, {}};
  std::size_t bytes = 0;
  if (nvrtc().code_size(made, &bytes) == NVRTC_SUCCESS && bytes > 0) {
    kernel.code = read(made, nvrtc().code_size, nvrtc().code, "its code");
  } else {
    kernel.code = read(made, nvrtc().ptx_size, nvrtc().ptx, "its code");
  }
  return kernel;
}

}  // namespace metalaudio::cuda
