#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <initializer_list>
#include <string>
#include <vector>

namespace metalaudio::cuda {

/// A library of the CUDA toolkit, which need not be there: looked for where the system looks, below
/// $CUDA_PATH and below /usr/local/cuda. It stays loaded.
/// Threads:  one while functions are found.
class ToolkitLibrary {
 public:
  /// The first of these names that is there, as in "libcufft.so.12".
  explicit ToolkitLibrary(std::initializer_list<const char*> names) {
    std::vector<std::string> folders{""};
    if (const char* const path = std::getenv("CUDA_PATH")) {
      folders.push_back(std::string(path) + "/lib64/");
    }
    folders.emplace_back("/usr/local/cuda/lib64/");
    for (const std::string& folder : folders)
      for (const char* const name : names)
        if (library_ == nullptr) library_ = dlopen((folder + name).c_str(), RTLD_NOW | RTLD_LOCAL);
    complete_ = library_ != nullptr;
  }

  template <typename Function>
  void find(Function& function, const char* name) {
    if (library_ != nullptr) function = reinterpret_cast<Function>(dlsym(library_, name));
    complete_ = complete_ && function != nullptr;
  }
  /// Whether it is there with all that was looked for.
  bool is_complete() const noexcept { return complete_; }

 private:
  void* library_ = nullptr;
  bool complete_ = false;
};

}  // namespace metalaudio::cuda
