#pragma once

#include <metalaudio/separation/scores.h>

#include <string>
#include <vector>

namespace metalaudio::apps {

/// Cells of text: a heading, one row for each track, and rows that sum them up.
struct Table {
  std::string title;
  std::vector<std::string> heading;
  std::vector<std::vector<std::string>> rows;
  std::size_t summary_rows = 0;  ///< of `rows`, the last ones
};

constexpr std::size_t kSummaryRows = 3;

/// Rows: tracks, then mean, median and mean improvement. Columns: stems, their mean, sum error; dB.
Table score_table(const std::vector<separation::TrackScore>& tracks);

/// For a terminal: the first column aligned left, the others right; as display_text has them.
std::string table_text(Table table);

}  // namespace metalaudio::apps
