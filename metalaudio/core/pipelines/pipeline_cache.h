#pragma once

#include <metalaudio/core/accelerator.h>
#include <metalaudio/core/pipelines/disk_cache.h>

#include <cstddef>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace metalaudio {

/// How a device makes kernels; injected, so that all else is tested without one.
struct KernelCompiler {
  /// What the compiled code depends on beside source, entry and options: the architecture and the
  /// compiler's version.
  std::string target;
  /// Compiles to bytes that may be kept on disk.
  std::function<std::string(const KernelSource&)> build;
  /// Makes a kernel of such bytes.
  std::function<std::shared_ptr<const Kernel>(const std::string&)> load;
};

/// Kernels by what they are compiled from: the last used in memory, all of them on disk. Whoever
/// asks for one that another thread compiles waits for that. What fails is not remembered, and what
/// includes the user's own headers is not kept on disk, since these may change.
/// Errors:   get() throws what the compiler throws, but not on damaged or unwritable files.
/// Threads:  any.
class PipelineCache {
 public:
  static constexpr std::size_t kCapacity = 64;

  PipelineCache(KernelCompiler compiler, DiskCache disk, std::size_t capacity = kCapacity)
      : compiler_(std::move(compiler)), disk_(std::move(disk)), capacity_(capacity) {}

  std::shared_ptr<const Kernel> get(const KernelSource& source);
  /// Those that it remembers now.
  std::size_t size() const;
  /// One text for all that the compiled code depends on; no two differ in nothing but where a part
  /// ends.
  std::string key_of(const KernelSource& source) const;

 private:
  using Result = std::shared_future<std::shared_ptr<const Kernel>>;
  struct Entry {
    Result result;
    std::list<std::string>::iterator place;  // in order_
  };

  std::shared_ptr<const Kernel> compile(const std::string& key, const KernelSource& source) const;
  void forget(const std::string& key);

  KernelCompiler compiler_;
  DiskCache disk_;
  std::size_t capacity_;
  mutable std::mutex mutex_;
  std::list<std::string> order_;                    // guarded by mutex_; the last used first
  std::unordered_map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace metalaudio
