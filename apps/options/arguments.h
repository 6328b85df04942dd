#pragma once

#include <CLI/CLI.hpp>

#include <set>
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

/// Long options of `separate` that demucs does not have: a shortened name that would fit one of
/// demucs' own still means that one.
inline const std::set<std::string> kOwnOptions = {
    "dry-run",       "events",        "exact-sum", "json",      "keep-rate", "list", "manifest",
    "mode",          "overwrite",     "picture",   "precision", "quiet",     "seed", "shard",
    "shift-offsets", "skip-existing", "stems",     "sum-safe",  "threads"};

}  // namespace metalaudio::apps
