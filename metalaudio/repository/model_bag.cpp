#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/file_bytes.h>
#include <metalaudio/core/printable.h>
#include <metalaudio/repository/model_bag.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace metalaudio::repository {

namespace {

constexpr std::size_t kMaxBytes = 64U << 10U;
constexpr std::size_t kMaxModels = 64;
constexpr std::size_t kMaxSources = 64;

/// A signature becomes part of a file's name, so it must not lead elsewhere.
bool is_signature(const std::string& text) {
  return !text.empty() && text.size() <= 100 && text.front() != '.' &&
         std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
         });
}

double number(const YAML::Node& node, const char* what) {
  double value = 0.0;
  if (!node.IsScalar() || !YAML::convert<double>::decode(node, value) || !std::isfinite(value)) {
    fail(ErrorCode::invalid_data, "{} is not a number", what);
  }
  return value;
}

std::vector<std::string> parse_models(const YAML::Node& node) {
  if (!node.IsSequence() || node.size() == 0 || node.size() > kMaxModels) {
    fail(ErrorCode::invalid_data, "'models' is not a list of 1 to {} signatures", kMaxModels);
  }
  std::vector<std::string> models;
  for (const YAML::Node& item : node) {
    const std::string text = item.IsScalar() ? item.Scalar() : "";
    if (!is_signature(text)) {
      fail(ErrorCode::invalid_data, "'{}' is not a model's signature", printable(text));
    }
    models.push_back(text);
  }
  return models;
}

std::vector<std::vector<double>> parse_weights(const YAML::Node& node, std::size_t models) {
  if (!node.IsSequence() || node.size() != models) {
    fail(ErrorCode::invalid_data, "'weights' is not a list of one row for each of {}",
         counted(models, "model"));
  }
  std::vector<std::vector<double>> weights;
  for (const YAML::Node& row : node) {
    if (!row.IsSequence() || row.size() == 0 || row.size() > kMaxSources) {
      fail(ErrorCode::invalid_data, "a row of 'weights' is not a list of 1 to {} numbers",
           kMaxSources);
    }
    auto& numbers = weights.emplace_back();
    for (const YAML::Node& item : row) numbers.push_back(number(item, "one of 'weights'"));
    if (numbers.size() != weights.front().size()) {
      fail(ErrorCode::invalid_data, "the rows of 'weights' differ in length");
    }
  }
  return weights;
}

BagDescription parse_root(const YAML::Node& root) {
  if (!root.IsMap() || !root["models"]) {
    fail(ErrorCode::invalid_data, "it has no 'models': not a bag");
  }
  BagDescription bag;
  bag.models = parse_models(root["models"]);
  const YAML::Node weights = root["weights"];
  if (weights && !weights.IsNull()) bag.weights = parse_weights(weights, bag.models.size());
  const YAML::Node segment = root["segment"];
  if (segment && !segment.IsNull()) {
    bag.segment = number(segment, "'segment'");
    if (*bag.segment <= 0.0) fail(ErrorCode::invalid_data, "'segment' is not above zero");
  }
  return bag;
}

}  // namespace

BagDescription parse_bag(std::string_view yaml) {
  if (yaml.size() > kMaxBytes) {
    fail(ErrorCode::invalid_data, "{}, at most {} allowed", counted(yaml.size(), "byte"),
         kMaxBytes);
  }
  try {
    return parse_root(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& error) {
    fail(ErrorCode::invalid_data, "not YAML: {}", printable(error.what()));
  }
}

BagDescription load_bag(const std::filesystem::path& path) {
  try {
    const FileBytes file(path);
    return parse_bag({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
  } catch (const Error& error) {
    fail(error.code(), "[load_bag] {}: {}", path.string(), error.what());
  }
}

}  // namespace metalaudio::repository
