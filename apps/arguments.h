#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace metalaudio::apps {

/// Parses the arguments after the program's name, as Python's argparse reads them: long options may
/// be shortened while only one fits, "--name=value", "-nvalue" and "-vn value" are understood,
/// options may stand anywhere, "--" ends them, and negative numbers and words with a space in them
/// are values. What the user gives as a value reaches its option byte for byte: CLI11's own syntax
/// ("[a,b]", "++", "%%", "{}", the name of a command) is kept from it.
/// Errors:   throws CLI::ParseError, CLI::Success for --help and --version; Error{invalid_argument}
///           for an option or a command that there is not, or a value too many or missing.
void parse_arguments(CLI::App& app, const std::vector<std::string>& arguments);

}  // namespace metalaudio::apps
