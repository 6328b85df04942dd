#pragma once

#include <metalaudio/models/model_options.h>

#include <CLI/CLI.hpp>

namespace metalaudio::apps {

/// --precision and --mode, the same for every command that runs a model.
CLI::Option* add_precision(CLI::App& command, models::Precision& precision);
CLI::Option* add_mode(CLI::App& command, models::Mode& mode);

}  // namespace metalaudio::apps
