#pragma once

#include <CLI/CLI.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace metalaudio::apps {

/// How help, manual pages and completion show an option.

/// "MODEL", "auto|fp32"; empty for a flag. It says what the value is: see completion.cpp.
std::string value_name(const CLI::Option& option);

/// "-n, --name"; of a positional argument its name.
std::string option_names(const CLI::Option& option);

/// Its help, its default, and the options that it cannot stand beside.
std::string option_description(const CLI::Option& option);

/// "[OPTIONS] MODEL [IN]": what may follow the command's name.
std::string command_usage(const CLI::App& command);

/// "metalaudio models get"; `between` stands in place of the spaces.
std::string command_name(const CLI::App& command, std::string_view between = " ");

/// The commands below it, without those that only scripts use.
std::vector<const CLI::App*> shown_commands(const CLI::App& command);

/// The options of one group, or the positional arguments where it is empty, in their order.
std::vector<const CLI::Option*> shown_options(const CLI::App& command, const std::string& group);

/// The text in lines of at most `columns`, cut at spaces.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns);

/// What --help prints.
std::shared_ptr<CLI::FormatterBase> help_formatter();

}  // namespace metalaudio::apps
