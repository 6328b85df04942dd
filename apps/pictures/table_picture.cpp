#include "apps/pictures/table_picture.h"

#include <metalaudio/audio/output_file.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "apps/pictures/picture.h"

namespace metalaudio::apps {
namespace {

constexpr double kFontSize = 16.0;
constexpr double kRowHeight = 28.0;
constexpr double kMargin = 24.0;
constexpr double kColumnGap = 28.0;
constexpr double kMostCellWidth = 600.0;

struct TableLayout {
  Table table;  ///< its cells as they are drawn
  std::vector<double> widths;
};

TableLayout lay_out(Table table) {
  const Surface surface = make_surface(1, 1);
  const Context context = make_context(surface);
  cairo_set_font_size(context.get(), kFontSize);
  std::vector<double> widths(table.heading.size());
  const auto fit = [&](std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      cells[i] = fitting_text(context.get(), cells[i], kMostCellWidth);
      widths[i] = std::max(widths[i], text_width(context.get(), cells[i]));
    }
  };
  fit(table.heading);
  for (auto& row : table.rows) fit(row);
  return {std::move(table), std::move(widths)};
}

class TablePainter {
 public:
  TablePainter(cairo_t* context, std::vector<double> widths, double width)
      : context_(context), widths_(std::move(widths)), width_(width) {}

  void title(const std::string& text) {
    cairo_move_to(context_, kMargin, baseline());
    cairo_show_text(context_, text.c_str());
    y_ += kRowHeight;
  }

  void row(const std::vector<std::string>& cells) {
    double x = kMargin;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      // Numbers stand below each other at their right ends.
      const double indent = i == 0 ? 0.0 : widths_[i] - text_width(context_, cells[i]);
      cairo_move_to(context_, x + indent, baseline());
      cairo_show_text(context_, cells[i].c_str());
      x += widths_[i] + kColumnGap;
    }
    y_ += kRowHeight;
  }

  void rule() {
    cairo_set_line_width(context_, 1.0);
    cairo_move_to(context_, kMargin, y_ + 0.5);
    cairo_line_to(context_, width_ - kMargin, y_ + 0.5);
    cairo_stroke(context_);
  }

 private:
  double baseline() const { return y_ + kRowHeight * 0.7; }

  cairo_t* context_;
  std::vector<double> widths_;
  double width_;
  double y_ = kMargin;
};

}  // namespace

void check_table_rows(std::size_t rows) {
  constexpr double kMostRows = (kMostPictureSide - 2.0 * kMargin) / kRowHeight - 2.0;
  if (static_cast<double>(rows) > kMostRows)
    fail(ErrorCode::invalid_argument, "a table of {}: a picture holds {}", counted(rows, "row"),
         static_cast<int>(kMostRows));
}

void draw_table(const Table& given, const std::filesystem::path& path) {
  check_table_rows(given.rows.size());
  const auto [table, widths] = lay_out(given);
  double width = 2.0 * kMargin - kColumnGap;
  for (const double column : widths) width += column + kColumnGap;
  const double height = 2.0 * kMargin + kRowHeight * (static_cast<double>(table.rows.size()) + 2.0);
  audio::OutputFile file(path);
  const Surface surface = make_surface(width, height);
  const Context context = make_context(surface);
  cairo_set_font_size(context.get(), kFontSize);
  cairo_set_source_rgb(context.get(), 0.1, 0.1, 0.1);

  TablePainter painter(context.get(), widths, width);
  painter.title(table.title);
  painter.row(table.heading);
  painter.rule();
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (i + table.summary_rows == table.rows.size()) painter.rule();
    painter.row(table.rows[i]);
  }
  write_png(surface, context, file);
}

}  // namespace metalaudio::apps
