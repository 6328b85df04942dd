#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>

namespace metalaudio::apps {

/// The manual page of the program or of one of its commands, in the language of man(7), made of what
/// --help says. `date` is that of the page, "2026-01-31".
std::string manual_page(const CLI::App& command, std::string_view date);

}  // namespace metalaudio::apps
