#pragma once

#include <cstddef>
#include <filesystem>

#include "apps/terminal/score_table.h"

namespace metalaudio::apps {

/// Errors:   throws Error{invalid_argument} for more rows than a picture can hold.
void check_table_rows(std::size_t rows);

/// Draws a table into a PNG file, as large as its text needs.
/// Errors:   as check_table_rows and write_png.
void draw_table(const Table& table, const std::filesystem::path& path);

}  // namespace metalaudio::apps
