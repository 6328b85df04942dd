#pragma once

#include <metalaudio/models/model_options.h>

#include <CLI/CLI.hpp>

#include <string>

namespace metalaudio::apps {

/// --device, --precision and --mode, the same for every command that runs a model.
CLI::Option* add_device(CLI::App& command, std::string& device);
/// Errors:   throws Error{invalid_argument} for what names no device, Error{backend_unavailable} for
///           one of PyTorch's that there is none of here.
void check_device(const std::string& device);
CLI::Option* add_precision(CLI::App& command, models::Precision& precision);
CLI::Option* add_mode(CLI::App& command, models::Mode& mode);

}  // namespace metalaudio::apps
