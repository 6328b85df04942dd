#pragma once

#include <metalaudio/models/model_options.h>
#include <metalaudio/models/open_devices.h>

#include <CLI/CLI.hpp>

#include <string>

namespace metalaudio::apps {

/// --device, --precision and --mode, the same for every command that runs a model.
CLI::Option* add_device(CLI::App& command, std::string& device);
/// Errors:   throws Error{invalid_argument} for what names no device, Error{backend_unavailable} for
///           one of PyTorch's that there is none of here.
void check_device(const std::string& device);
CLI::Option* add_precision(CLI::App& command, models::Precision& precision);
/// Errors:   throws Error{invalid_argument} for one that only GPUs have, where there is none.
void check_precision(models::Precision precision, const models::OpenDevices& devices);
CLI::Option* add_mode(CLI::App& command, models::Mode& mode);

}  // namespace metalaudio::apps
