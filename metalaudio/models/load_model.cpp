#include <metalaudio/core/error.h>
#include <metalaudio/core/printable.h>
#include <metalaudio/models/error_text.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/models/load_model.h>
#include <metalaudio/nn/io/state_reader.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace metalaudio::models {
namespace {

/// One kind of network: how to know its files, and what to make of them.
struct Family {
  bool (*takes)(const nn::StateFile& file);
  ModelInfo (*inspect)(const nn::StateFile& file);
  /// Keeps the file only as long as it needs it.
  std::unique_ptr<SegmentModel> (*load)(std::shared_ptr<const nn::StateReader> file,
                                        const ModelOptions& options, ThreadPool& pool);
};

ModelInfo inspect_htdemucs(const nn::StateFile& file) {
  const HTDemucsConfig config = read_htdemucs_config(file);
  return {"HTDemucs",
          config.sources,
          static_cast<int>(config.samplerate),
          static_cast<std::size_t>(config.audio_channels),
          config.segment_seconds(),
          {"mode", "segment"}};
}

std::unique_ptr<SegmentModel> load_htdemucs(std::shared_ptr<const nn::StateReader> file,
                                            const ModelOptions& options, ThreadPool& pool) {
  const HTDemucsConfig config = read_htdemucs_config(file->outline());
  return make_htdemucs(
      config, [file = std::move(file)] { return nn::Weights(file); }, options, pool);
}

constexpr std::array<Family, 1> kFamilies{{{is_htdemucs, inspect_htdemucs, load_htdemucs}}};

/// The class that the file names, or what its first tensors are called.
std::string contents(const nn::StateReader& file) {
  const nlohmann::json& metadata = file.outline().metadata;
  const auto klass = metadata.find("klass");
  if (klass != metadata.end() && klass->is_string())
    return "a " + printable(klass->get<std::string>());
  const std::vector<std::string> all = file.names();
  if (all.empty()) return "no tensors and no class";
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(all.size(), 3); ++i)
    names += (i == 0 ? "" : ", ") + printable(all[i]);
  return fmt::format("{} tensors ({}{})", all.size(), names, all.size() > 3 ? ", ..." : "");
}

const Family* family_of(const nn::StateFile& file) {
  const auto* const found =
      std::ranges::find_if(kFamilies, [&](const Family& family) { return family.takes(file); });
  return found == kFamilies.end() ? nullptr : found;
}

[[noreturn]] void refuse(const nn::StateReader& file) {
  fail(ErrorCode::unsupported, "it holds {}, which no network of this library takes: HTDemucs is",
       contents(file));
}

/// Runs what makes something of a file's content; its failures name the file.
template <typename Function>
auto naming_file(const std::filesystem::path& path, Function function) {
  try {
    return function();
  } catch (const Error& error) {
    const std::string_view told = without_operation(error.what());
    const std::string name = path.string() + ": ";
    // What the reader of its weights tells names the file already.
    fail(error.code(), "[load_model] {}{}", told.starts_with(name) ? "" : name, told);
  }
}

}  // namespace

bool ModelInfo::takes(const std::string& option) const {
  return std::ranges::find(options, option) != options.end();
}

ModelInfo inspect_model(const std::filesystem::path& path) {
  const nn::StateReader file(path);
  return naming_file(path, [&] {
    const Family* family = family_of(file.outline());
    if (family == nullptr) refuse(file);
    return family->inspect(file.outline());
  });
}

ModelFile read_model(const std::filesystem::path& path) {
  return {path, std::make_shared<const nn::StateReader>(path)};
}

std::unique_ptr<SegmentModel> load_model(const ModelFile& file, const ModelOptions& options,
                                         ThreadPool& pool) {
  return naming_file(file.path, [&] {
    const Family* family = family_of(file.contents->outline());
    if (family == nullptr) refuse(*file.contents);
    const ModelInfo info = family->inspect(file.contents->outline());
    if (options.mode != Mode::full && !info.takes("mode"))
      fail(ErrorCode::invalid_argument, "a {} has one mode alone", info.family);
    if (options.segment_seconds && !info.takes("segment"))
      fail(ErrorCode::invalid_argument, "a {} takes segments of {} s alone", info.family,
           info.segment_seconds);
    return family->load(file.contents, options, pool);
  });
}

std::unique_ptr<SegmentModel> load_model(const std::filesystem::path& path,
                                         const ModelOptions& options, ThreadPool& pool) {
  return load_model(read_model(path), options, pool);
}

}  // namespace metalaudio::models
