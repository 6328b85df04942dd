#pragma once

#include <filesystem>

#include "apps/score_table.h"

namespace metalaudio::apps {

/// Draws a table into a PNG file, as large as its text needs.
/// Errors:   throws Error{io} naming the file.
void draw_table(const Table& table, const std::filesystem::path& path);

}  // namespace metalaudio::apps
