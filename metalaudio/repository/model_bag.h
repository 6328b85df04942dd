#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace metalaudio::repository {

/// What a bag's .yaml says: the signatures of its models and how to combine their outputs.
struct BagDescription {
  std::vector<std::string> models;
  std::vector<std::vector<double>> weights;  ///< [models][sources]; empty: all ones
  std::optional<double> segment;             ///< seconds, in place of the models' own
};

/// The same with each signature resolved to a file. A single model is a bag of one.
struct ModelBag {
  std::string name;
  std::vector<std::filesystem::path> models;
  std::vector<std::vector<double>> weights;
  std::optional<double> segment;
};

/// Reads the text of a bag: keys models, weights and segment, others are ignored.
/// Errors:   throws Error{invalid_data} with the reason alone.
BagDescription parse_bag(std::string_view yaml);

/// Reads a bag's file.
/// Errors:   throws Error{not_found, io, invalid_data}, naming the file and the reason.
BagDescription load_bag(const std::filesystem::path& path);

}  // namespace metalaudio::repository
