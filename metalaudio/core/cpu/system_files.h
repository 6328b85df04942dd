#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace metalaudio {

/// Readers of the kernel's small text files, for which a missing or odd file is no error.

/// The first line, without the line's end.
std::optional<std::string> read_line(const std::filesystem::path& file);
/// The first line as a number.
std::optional<std::int64_t> read_number(const std::filesystem::path& file);
/// What follows `key` and its colon or blanks on the first line that begins with it.
std::optional<std::string> read_value(const std::filesystem::path& file, const std::string& key);
/// The number that `text` begins with.
std::optional<std::int64_t> parse_number(const std::string& text);
/// The members of a list such as "0-3,8"; empty if it is none.
std::vector<std::size_t> parse_index_list(const std::string& text);
/// The entries of a folder whose names begin with `prefix`, sorted by name.
std::vector<std::filesystem::path> entries(const std::filesystem::path& folder,
                                           const std::string& prefix = "");

}  // namespace metalaudio
