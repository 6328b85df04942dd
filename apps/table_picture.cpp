#include "apps/table_picture.h"

#include <cairo/cairo.h>
#include <metalaudio/audio/output_file.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace metalaudio::apps {
namespace {

constexpr double kFontSize = 16.0;
constexpr double kRowHeight = 28.0;
constexpr double kMargin = 24.0;
constexpr double kColumnGap = 28.0;
constexpr double kMaxSide = 32767.0;  // cairo's own limit

using Surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;
using Context = std::unique_ptr<cairo_t, decltype(&cairo_destroy)>;

Surface make_surface(double width, double height) {
  return {cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width),
                                     static_cast<int>(height)),
          cairo_surface_destroy};
}

Context make_context(const Surface& surface) {
  Context context(cairo_create(surface.get()), cairo_destroy);
  cairo_select_font_face(context.get(), "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                         CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(context.get(), kFontSize);
  return context;
}

double text_width(cairo_t* context, const std::string& text) {
  cairo_text_extents_t extents;
  cairo_text_extents(context, text.c_str(), &extents);
  return extents.x_advance;
}

std::vector<double> column_widths(const Table& table) {
  const Surface surface = make_surface(1, 1);
  const Context context = make_context(surface);
  std::vector<double> widths;
  for (std::size_t i = 0; i < table.heading.size(); ++i) {
    double width = text_width(context.get(), table.heading[i]);
    for (const auto& row : table.rows) width = std::max(width, text_width(context.get(), row[i]));
    widths.push_back(width);
  }
  return widths;
}

cairo_status_t append_to_file(void* file, const unsigned char* data, unsigned length) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const bool written = static_cast<audio::OutputFile*>(file)->try_write({bytes, length});
  return written ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
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

void draw_table(const Table& table, const std::filesystem::path& path) {
  const std::vector<double> widths = column_widths(table);
  double width = 2.0 * kMargin - kColumnGap;
  for (const double column : widths) width += column + kColumnGap;
  const double height = 2.0 * kMargin + kRowHeight * (static_cast<double>(table.rows.size()) + 2.0);
  const Surface surface = make_surface(std::min(width, kMaxSide), std::min(height, kMaxSide));
  const Context context = make_context(surface);
  cairo_set_source_rgb(context.get(), 1, 1, 1);
  cairo_paint(context.get());
  cairo_set_source_rgb(context.get(), 0.1, 0.1, 0.1);

  TablePainter painter(context.get(), widths, width);
  painter.title(table.title);
  painter.row(table.heading);
  painter.rule();
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (i + table.summary_rows == table.rows.size()) painter.rule();
    painter.row(table.rows[i]);
  }

  audio::OutputFile file(path);
  const cairo_status_t status =
      cairo_surface_write_to_png_stream(surface.get(), append_to_file, &file);
  file.check();
  if (status != CAIRO_STATUS_SUCCESS)
    fail(ErrorCode::io, "{}: {}", path.string(), cairo_status_to_string(status));
  file.commit();
}

}  // namespace metalaudio::apps
