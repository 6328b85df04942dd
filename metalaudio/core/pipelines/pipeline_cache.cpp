#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/pipelines/pipeline_cache.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace metalaudio {

namespace {

/// Whether the code depends on files that may change: headers of the user's own.
bool reads_files(const KernelSource& source) {
  return std::ranges::any_of(source.options, [](const std::string& option) {
    return option.starts_with("-I") || option.find("include") != std::string::npos;
  });
}

}  // namespace

std::string PipelineCache::key_of(const KernelSource& source) const {
  std::string key;
  const auto add = [&](const std::string& part) {
    key += fmt::format("{}:{};", part.size(), part);
  };
  add(compiler_.target);
  add(source.entry);
  for (const std::string& option : source.options) add(option);
  key += "|";
  add(source.source);
  return key;
}

std::size_t PipelineCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::shared_ptr<const Kernel> PipelineCache::get(const KernelSource& source) {
  const std::string key = key_of(source);
  std::promise<std::shared_ptr<const Kernel>> promise;
  std::optional<Result> others;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      order_.splice(order_.begin(), order_, found->second.place);
      others = found->second.result;
    } else {
      order_.push_front(key);
      entries_.emplace(key, Entry{promise.get_future().share(), order_.begin()});
      // One that is still being compiled may go too: those who wait hold its result themselves.
      while (entries_.size() > capacity_) {
        entries_.erase(order_.back());
        order_.pop_back();
      }
    }
  }
  if (others) return others->get();
  try {
    std::shared_ptr<const Kernel> kernel = compile(key, source);
    promise.set_value(kernel);
    return kernel;
  } catch (...) {
    forget(key);
    promise.set_exception(std::current_exception());
    throw;
  }
}

std::shared_ptr<const Kernel> PipelineCache::compile(const std::string& key,
                                                     const KernelSource& source) const {
  const bool keeps = !reads_files(source);
  if (const std::optional<std::string> kept = keeps ? disk_.load(key) : std::nullopt) {
    try {
      return compiler_.load(*kept);
    } catch (const Error&) {
      // Whole, and still nothing that this driver takes: compiled again.
    }
  }
  const std::string binary = compiler_.build(source);
  std::shared_ptr<const Kernel> kernel = compiler_.load(binary);
  if (keeps) disk_.store(key, binary);
  return kernel;
}

void PipelineCache::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  order_.erase(found->second.place);
  entries_.erase(found);
}

}  // namespace metalaudio
