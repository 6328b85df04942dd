#include <fmt/ranges.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/printable.h>
#include <metalaudio/repository/model_repository.h>
#include <metalaudio/repository/sha256.h>

#include <sys/auxv.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <utility>

namespace metalaudio::repository {

namespace {

namespace fs = std::filesystem;

constexpr const char* kUpstreamUrl = "https://dl.fbaipublicfiles.com/demucs/hybrid_transformer/";
constexpr const char* kDefaultModel = "htdemucs";
constexpr const char* kShippedModel = "demo_6s";

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// False, too, for a name that no file can have.
bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// "955717e8-8726e21a" is a signature and the first digits of its file's SHA-256.
struct ModelFile {
  fs::path path;
  std::string signature;
  std::string checksum;
};

bool is_checksum(std::string_view text) {
  return text.size() >= 8 && text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
           return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f');
         });
}

bool is_model_file(const fs::path& path) {
  return path.extension() == ".th" || path.extension() == ".safetensors";
}

ModelFile describe(const fs::path& path) {
  const std::string stem = path.stem().string();
  const std::size_t dash = stem.rfind('-');
  if (dash == std::string::npos || !is_checksum(std::string_view(stem).substr(dash + 1))) {
    return {path, stem, ""};
  }
  return {path, stem.substr(0, dash), stem.substr(dash + 1)};
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

std::optional<ModelFile> find_file(const fs::path& folder, const std::string& signature,
                                   const char* extension) {
  std::optional<ModelFile> found;
  for (const fs::path& path : files_in(folder)) {
    if (path.extension() != extension || describe(path).signature != signature) continue;
    if (found) {
      fail(ErrorCode::invalid_data, "[ModelRepository] {} and {}: two files of one signature",
           found->path.string(), path.string());
    }
    found = describe(path);
  }
  return found;
}

/// The official .safetensors goes before a .th of the same signature.
std::optional<ModelFile> find_file(const fs::path& folder, const std::string& signature) {
  const auto safetensors = find_file(folder, signature, ".safetensors");
  return safetensors ? safetensors : find_file(folder, signature, ".th");
}

fs::path verified(const ModelFile& file) {
  if (file.checksum.empty()) return file.path;
  const std::string sha256 = sha256_of_file(file.path);
  if (!sha256.starts_with(file.checksum)) {
    fail(ErrorCode::invalid_data,
         "[ModelRepository] {}: its SHA-256 starts with {}, expected {}; the file is damaged",
         file.path.string(), sha256.substr(0, file.checksum.size()), file.checksum);
  }
  return file.path;
}

/// The bag of this name: one of the folder, or a published one.
std::optional<BagDescription> find_bag(const fs::path& folder, const std::string& name) {
  const fs::path path = folder / (name + ".yaml");
  if (is_file(path)) return load_bag(path);
  const KnownModel* const known = find_known_model(name);
  if (known == nullptr || known->files.empty()) return std::nullopt;
  return known->bag;
}

std::optional<std::vector<ModelFile>> find_files(const fs::path& folder,
                                                 const BagDescription& bag) {
  std::vector<ModelFile> files;
  for (const std::string& signature : bag.models) {
    const auto file = find_file(folder, signature);
    if (!file) return std::nullopt;
    files.push_back(*file);
  }
  return files;
}

ModelBag resolved(const std::string& name, const BagDescription& bag,
                  const std::vector<ModelFile>& files) {
  ModelBag result{name, {}, bag.weights, bag.segment};
  for (const ModelFile& file : files) result.models.push_back(verified(file));
  return result;
}

/// A model or a bag of this folder.
std::optional<ModelBag> find_in(const fs::path& folder, const std::string& name) {
  if (const auto file = find_file(folder, name)) return resolved(name, {}, {*file});
  const auto bag = find_bag(folder, name);
  if (!bag) return std::nullopt;
  if (const auto files = find_files(folder, *bag)) return resolved(name, *bag, *files);
  if (!is_file(folder / (name + ".yaml"))) return std::nullopt;
  fail(ErrorCode::not_found, "[ModelRepository] {}: the folder lacks one of the models {}",
       (folder / (name + ".yaml")).string(), fmt::join(bag->models, ", "));
}

std::optional<ModelBag> find_path(const std::string& name) {
  const fs::path path = name;
  if (is_model_file(path) && is_file(path)) {
    return resolved(path.stem().string(), {}, {describe(path)});
  }
  if (path.extension() == ".yaml" && is_file(path)) {
    return find_in(path.has_parent_path() ? path.parent_path() : fs::path("."),
                   path.stem().string());
  }
  return std::nullopt;
}

/// A name that can only be a path, to something that cannot be read as a model, is not looked for in
/// the folders: says what is there instead.
void refuse_path(const std::string& name) {
  const fs::path path = name;
  if (!path.has_parent_path() && !is_model_file(path)) return;
  std::error_code failed;
  const fs::file_status status = fs::symlink_status(path, failed);
  if (status.type() == fs::file_type::not_found) return;
  const fs::file_status target = failed ? status : fs::status(path, failed);
  const std::string shown = printable(name);
  if (target.type() == fs::file_type::not_found) {
    fail(ErrorCode::not_found, "[ModelRepository] {}: a link to a file that is not there", shown);
  }
  if (failed) fail(ErrorCode::io, "[ModelRepository] {}: {}", shown, failed.message());
  if (fs::is_directory(target)) {
    fail(ErrorCode::io, "[ModelRepository] {}: a folder, not a model", shown);
  }
  fail(ErrorCode::io, "[ModelRepository] {}: {}", shown,
       fs::is_regular_file(target) ? "not a .safetensors, .th or .yaml file"
                                   : "it is not a regular file");
}

std::string joined(const std::vector<fs::path>& folders) {
  std::vector<std::string> names;
  for (const fs::path& folder : folders) names.push_back(folder.string());
  return fmt::format("{}", fmt::join(names, ", "));
}

void sort_names(std::vector<std::string>& names) {
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

std::vector<fs::path> user_folders() {
  std::vector<fs::path> folders{model_data_folder()};
  const std::string chosen = environment("METALAUDIO_MODEL_DIR");
  if (!chosen.empty()) folders.emplace_back(chosen);
  return folders;
}

std::vector<fs::path> program_folders() {
  std::vector<fs::path> folders = user_folders();
  std::error_code failed;
  fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (failed) {
    // A root folder without /proc; the kernel has also told how the program was called.
    const auto* const called = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
    if (called != nullptr) program = fs::canonical(called, failed);
  }
  if (!failed) folders.push_back(program.parent_path().parent_path() / "share/metalaudio/models");
  return folders;
}

}  // namespace

fs::path model_data_folder() {
  const std::string data = environment("XDG_DATA_HOME");
  const fs::path base =
      data.starts_with('/') ? fs::path(data) : fs::path(environment("HOME")) / ".local/share";
  return base / "metalaudio" / "models";
}

ModelRepository::ModelRepository() : folders_(program_folders()) {}

ModelRepository::ModelRepository(std::vector<fs::path> folders) : folders_(std::move(folders)) {}

ModelRepository ModelRepository::of_package(const fs::path& shipped) {
  std::vector<fs::path> folders = user_folders();
  folders.push_back(shipped);
  return ModelRepository(std::move(folders));
}

ModelRepository::ModelRepository(const fs::path& folder) : folders_{folder} {
  std::error_code failed;
  const fs::file_status status = fs::status(folder, failed);
  if (fs::is_directory(status)) return;
  // Of what is not there, and of a file, the status itself is known.
  fail(ErrorCode::not_found, "[ModelRepository] {}: {}", folder.string(),
       fs::status_known(status) ? "not a folder" : failed.message());
}

ModelBag ModelRepository::find(const std::string& name) const {
  if (auto bag = find_path(name)) return *bag;
  for (const fs::path& folder : folders_) {
    if (auto bag = find_in(folder, name)) return *bag;
  }
  const std::string shown = printable(name);
  const KnownModel* const known = find_known_model(name);
  if (known != nullptr && !known->unsupported.empty()) {
    fail(ErrorCode::unsupported, "[ModelRepository] {}: {}", shown, known->unsupported);
  }
  refuse_path(name);
  fail(ErrorCode::not_found, "[ModelRepository] {}: no such model in {}{}", shown, joined(folders_),
       known == nullptr ? "" : fmt::format("; run: metalaudio models get {}", name));
}

bool ModelRepository::has(const std::string& name) const noexcept {
  try {
    return std::ranges::any_of(folders_, [&](const fs::path& folder) {
      if (find_file(folder, name)) return true;
      const auto bag = find_bag(folder, name);
      return bag && find_files(folder, *bag);
    });
  } catch (const std::exception&) {
    return false;
  }
}

std::vector<std::string> ModelRepository::list() const {
  std::vector<std::string> names;
  for (const fs::path& folder : folders_) {
    for (const fs::path& path : files_in(folder)) {
      if (is_model_file(path)) names.push_back(describe(path).signature);
      if (path.extension() == ".yaml") names.push_back(path.stem().string());
    }
  }
  sort_names(names);
  return names;
}

fs::path ModelRepository::find_amp(const std::string& name) const {
  if (is_file(name)) return name;
  // A name is one part of a path; anything else can only be a file that is missing.
  if (name.find('/') == std::string::npos && !name.empty()) {
    for (const fs::path& folder : folders_) {
      const fs::path path = folder / (name + ".nam");
      if (is_file(path)) return path;
    }
  }
  const std::vector<std::string> amps = list_amps();
  std::error_code ignored;
  const fs::file_status status = fs::status(name, ignored);
  fail(ErrorCode::not_found, "[ModelRepository] {}: {}, and no amp of this name in {}{}",
       printable(name),
       fs::is_directory(status) ? "a folder"
       : fs::exists(status)     ? "not a regular file"
                                : "no such file",
       joined(folders_), amps.empty() ? "" : fmt::format("; there are {}", fmt::join(amps, ", ")));
}

std::vector<std::string> ModelRepository::list_amps() const {
  std::vector<std::string> names;
  for (const fs::path& folder : folders_) {
    for (const fs::path& path : files_in(folder))
      if (path.extension() == ".nam") names.push_back(path.stem().string());
  }
  sort_names(names);
  return names;
}

std::string ModelRepository::default_model() const {
  return has(kDefaultModel) ? kDefaultModel : kShippedModel;
}

void download_model(const KnownModel& model, const fs::path& folder,
                    const ModelProgress& progress) {
  if (!model.unsupported.empty()) {
    fail(ErrorCode::unsupported, "[download_model] {}: {}", model.name, model.unsupported);
  }
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) fail(ErrorCode::io, "[download_model] {}: {}", folder.string(), failed.message());
  std::string base = environment("METALAUDIO_MODEL_URL");
  if (base.empty()) base = kUpstreamUrl;
  if (!base.ends_with('/')) base += '/';
  for (const KnownFile& file : model.files) {
    if (fs::exists(folder / file.name, failed)) continue;
    const auto report = [&](std::uint64_t bytes, std::uint64_t) {
      return !progress || progress(file, bytes);
    };
    download_file({base + file.name, file.bytes, file.sha256}, folder / file.name, report);
  }
}

}  // namespace metalaudio::repository
