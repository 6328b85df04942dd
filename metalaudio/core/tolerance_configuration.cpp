#include <metalaudio/core/error.h>
#include <metalaudio/core/tolerance_configuration.h>

#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

namespace metalaudio {

namespace {

constexpr std::array<std::pair<const char*, std::size_t ToleranceConfiguration::*>, 12> kNumbers{{
    {"gpu_cpu_threshold", &ToleranceConfiguration::gpu_cpu_threshold},
    {"linear_batch_threshold", &ToleranceConfiguration::linear_batch_threshold},
    {"conv_tile_taps", &ToleranceConfiguration::conv_tile_taps},
    {"conv_wide_channels", &ToleranceConfiguration::conv_wide_channels},
    {"cpu_mflop_rate", &ToleranceConfiguration::cpu_mflop_rate},
    {"cpu_mbyte_rate", &ToleranceConfiguration::cpu_mbyte_rate},
    {"gpu_mflop_rate", &ToleranceConfiguration::gpu_mflop_rate},
    {"gpu_mbyte_rate", &ToleranceConfiguration::gpu_mbyte_rate},
    {"gpu_step_ns", &ToleranceConfiguration::gpu_step_ns},
    {"gpu_round_ns", &ToleranceConfiguration::gpu_round_ns},
    {"gpu_copy_ns", &ToleranceConfiguration::gpu_copy_ns},
    {"gpu_copy_mbyte_rate", &ToleranceConfiguration::gpu_copy_mbyte_rate},
}};

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

}  // namespace

std::filesystem::path ToleranceConfiguration::default_path() {
  const std::string config = environment("XDG_CONFIG_HOME");
  std::filesystem::path folder = config;
  if (config.empty()) folder = std::filesystem::path(environment("HOME")) / ".config";
  return folder / "metalaudio" / "tolerances.json";
}

ToleranceConfiguration ToleranceConfiguration::load(const std::filesystem::path& path) {
  ToleranceConfiguration configuration;
  // One in a folder that may not be looked into, as another user's home, is none.
  std::error_code hidden;
  const std::filesystem::file_status status = std::filesystem::status(path, hidden);
  if (!std::filesystem::exists(status)) return configuration;
  if (!std::filesystem::is_regular_file(status))
    fail(ErrorCode::io, "[ToleranceConfiguration] {} is not a regular file", path.string());
  errno = 0;
  std::ifstream file(path);
  if (!file)
    fail(ErrorCode::io, "[ToleranceConfiguration] {}: {}", path.string(), std::strerror(errno));
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object()) {
    fail(ErrorCode::invalid_data, "[ToleranceConfiguration] {} is not a JSON object",
         path.string());
  }
  for (const auto& [name, member] : kNumbers) {
    const auto found = json.find(name);
    if (found == json.end()) continue;
    if (!found->is_number_unsigned()) {
      fail(ErrorCode::invalid_data, "[ToleranceConfiguration] {}: {} is {}, expected a count",
           path.string(), name, found->dump());
    }
    configuration.*member = found->get<std::size_t>();
  }
  return configuration;
}

void ToleranceConfiguration::save(const std::filesystem::path& path) const {
  nlohmann::json json;
  for (const auto& [name, member] : kNumbers) json[name] = this->*member;
  std::error_code ignored;  // a folder that is not there shows when the file is opened
  std::filesystem::create_directories(path.parent_path(), ignored);
  std::filesystem::path whole = path;
  whole += ".part";
  std::ofstream file(whole);
  file << json.dump(2) << '\n';
  file.close();
  if (file) std::filesystem::rename(whole, path, ignored);
  if (!file || ignored) {
    fail(ErrorCode::io, "[ToleranceConfiguration] {} cannot be written", path.string());
  }
}

}  // namespace metalaudio
