#pragma once

#include <CLI/CLI.hpp>

namespace metalaudio::apps {

/// Adds `models list`, `models get NAME` and `models path NAME`, which set `status` when they run.
void add_models_command(CLI::App& app, int& status);

}  // namespace metalaudio::apps
