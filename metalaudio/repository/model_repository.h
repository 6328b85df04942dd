#pragma once

#include <metalaudio/repository/download.h>
#include <metalaudio/repository/known_models.h>
#include <metalaudio/repository/model_bag.h>

#include <filesystem>
#include <string>
#include <vector>

namespace metalaudio::repository {

/// Where downloaded models are kept: $XDG_DATA_HOME/metalaudio/models, by default
/// ~/.local/share/metalaudio/models.
std::filesystem::path model_data_folder();

/// Finds models by name in folders, as upstream does. A folder holds <signature>-<checksum>.th,
/// <signature>.th or <signature>.safetensors files and <name>.yaml bags; and <name>.nam, amps.
/// Threads:  any; it keeps no state but the folders' names.
class ModelRepository {
 public:
  /// The data folder, $METALAUDIO_MODEL_DIR, and the models that come with the program.
  ModelRepository();
  /// The same for a library or package, which brings its models in `shipped`.
  static ModelRepository of_package(const std::filesystem::path& shipped);
  /// One folder and no other, as upstream's --repo.
  /// Errors:   throws Error{not_found} unless it is a folder.
  explicit ModelRepository(const std::filesystem::path& folder);

  /// `name` is a signature, a bag, a published model, or the path of a model's or bag's file. Files
  /// whose name carries a checksum are verified.
  /// Errors:   throws Error{not_found}, saying where it looked and what to do; {io} for a path to a
  ///           folder or whatever else is no model's file; {unsupported} for a published model of
  ///           another family; {invalid_data} for a wrong checksum, a broken bag, or two files of
  ///           one signature.
  ModelBag find(const std::string& name) const;

  /// Whether find() would get as far as reading files.
  bool has(const std::string& name) const noexcept;

  /// The names of all signatures and bags that are there.
  std::vector<std::string> list() const;

  /// The file of an amp: `name` is a path, or the name of a .nam file in one of the folders.
  /// Errors:   throws Error{not_found}, saying where it looked and which amps there are.
  std::filesystem::path find_amp(const std::string& name) const;
  /// The names of all amps that are there.
  std::vector<std::string> list_amps() const;

  /// htdemucs where it is installed, otherwise demo_6s, the model that ships.
  std::string default_model() const;

 private:
  explicit ModelRepository(std::vector<std::filesystem::path> folders);

  std::vector<std::filesystem::path> folders_;
};

/// Told which file is arriving, and how far it is; returning false stops it.
using ModelProgress = std::function<bool(const KnownFile&, std::uint64_t bytes)>;

/// Fetches the files of a published model that `folder` lacks. They come from upstream's address,
/// or from $METALAUDIO_MODEL_URL in its place.
/// Errors:   throws Error{unsupported}, and what download_file() throws.
void download_model(const KnownModel& model, const std::filesystem::path& folder,
                    const ModelProgress& progress = {});

}  // namespace metalaudio::repository
