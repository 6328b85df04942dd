#pragma once

#include <CLI/CLI.hpp>

namespace metalaudio::apps {

/// Gives each command the examples that end its help and its manual page.
void add_examples(CLI::App& app);

}  // namespace metalaudio::apps
