#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

#include "apps/batch/file_digest.h"

namespace metalaudio::apps {

/// What one track's outputs were made of: for each its length and a recipe, in a file of JSON below
/// the `.metalaudio` of the model's folder. Equal recipes make equal files.
/// Errors:   save throws Error{io}. A file that is missing, or is no record, is an empty one.
/// Threads:  one instance per thread.
class TrackRecord {
 public:
  using Stamp = FileStamp;

  explicit TrackRecord(std::filesystem::path file);

  /// Whether this output is there as it was written, by this recipe.
  bool holds(const std::string& output, const nlohmann::json& recipe) const;
  /// The same, by whatever recipe.
  bool made(const std::string& output) const;

  void set(const std::string& output, nlohmann::json recipe);
  void erase(const std::string& output);
  void save() const;
  Stamp stamp() const;

 private:
  std::filesystem::path path(const std::string& output) const;

  std::filesystem::path file_;
  nlohmann::json outputs_ = nlohmann::json::object();
};

}  // namespace metalaudio::apps
