#include "apps/terminal/score_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/terminal/display_text.h"

namespace metalaudio::apps {
namespace {

std::string decibels(double value) {
  if (std::isnan(value)) return "-";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return fmt::format("{:.2f}", value);
}

std::vector<std::string> track_row(const separation::TrackScore& track,
                                   const std::vector<separation::StemSummary>& columns) {
  std::vector<std::string> row = {track.track};
  std::vector<double> values;
  for (std::size_t i = 0; i + 1 < columns.size(); ++i) {
    const auto found = std::find_if(track.stems.begin(), track.stems.end(),
                                    [&](const auto& stem) { return stem.stem == columns[i].stem; });
    values.push_back(found == track.stems.end() ? separation::kUndefined : found->sdr_db);
    row.push_back(decibels(values.back()));
  }
  row.push_back(decibels(separation::mean(values)));
  row.push_back(decibels(track.sum_error_db));
  return row;
}

std::vector<std::string> summary_row(const std::string& name,
                                     const std::vector<separation::StemSummary>& columns,
                                     double separation::StemSummary::*figure, double last) {
  std::vector<std::string> row = {name};
  for (const separation::StemSummary& column : columns) row.push_back(decibels(column.*figure));
  row.push_back(decibels(last));
  return row;
}

std::string padding(std::size_t width, const std::string& text) {
  return std::string(width - character_count(text), ' ');
}

}  // namespace

Table score_table(const std::vector<separation::TrackScore>& tracks) {
  const std::vector<separation::StemSummary> columns = separation::summarize(tracks);
  Table table;
  table.title = "Signal-to-distortion ratio, dB";
  table.heading = {"track"};
  for (const separation::StemSummary& column : columns) table.heading.push_back(column.stem);
  table.heading.emplace_back("sum error");
  std::vector<double> sum_errors;
  for (const separation::TrackScore& track : tracks) {
    table.rows.push_back(track_row(track, columns));
    sum_errors.push_back(track.sum_error_db);
  }
  table.rows.push_back(summary_row("mean", columns, &separation::StemSummary::mean_db,
                                   separation::mean(sum_errors)));
  table.rows.push_back(summary_row("median", columns, &separation::StemSummary::median_db,
                                   separation::median(sum_errors)));
  table.rows.push_back(summary_row("better than the mix by", columns,
                                   &separation::StemSummary::mean_improvement_db,
                                   separation::kUndefined));
  table.summary_rows = kSummaryRows;
  return table;
}

std::string table_text(Table table) {
  for (std::string& cell : table.heading) cell = display_text(cell);
  for (auto& row : table.rows)
    for (std::string& cell : row) cell = display_text(cell);
  std::vector<std::size_t> widths;
  for (const std::string& cell : table.heading) widths.push_back(character_count(cell));
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], character_count(row[i]));
  const auto line = [&](const std::vector<std::string>& row) {
    std::string text = row[0] + padding(widths[0], row[0]);
    for (std::size_t i = 1; i < row.size(); ++i) text += "  " + padding(widths[i], row[i]) + row[i];
    return text + "\n";
  };
  std::size_t total = widths[0];
  for (std::size_t i = 1; i < widths.size(); ++i) total += widths[i] + 2;
  std::string text = table.title + "\n" + line(table.heading) + std::string(total, '-') + "\n";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (i + table.summary_rows == table.rows.size()) text += std::string(total, '-') + "\n";
    text += line(table.rows[i]);
  }
  text.pop_back();
  return text;
}

}  // namespace metalaudio::apps
