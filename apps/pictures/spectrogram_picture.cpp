#include "apps/pictures/spectrogram_picture.h"

#include <fmt/format.h>
#include <metalaudio/audio/output_file.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "apps/pictures/picture.h"
#include "apps/pictures/spectrogram.h"

namespace metalaudio::apps {
namespace {

constexpr double kPlotWidth = 1200.0;
constexpr double kPlotHeight = 216.0;
constexpr double kLeft = 84.0;
constexpr double kRight = 116.0;
constexpr double kTop = 16.0;
constexpr double kTitleHeight = 30.0;
constexpr double kPanelGap = 12.0;
constexpr double kBottom = 60.0;
constexpr double kTick = 5.0;
constexpr double kFontSize = 14.0;
constexpr double kTitleSize = 17.0;
constexpr double kLowestHz = 30.0;
constexpr double kSpanDb = 80.0;

constexpr double kPanelHeight = kTitleHeight + kPlotHeight + kPanelGap;
constexpr auto kMostPanels =
    static_cast<std::size_t>((kMostPictureSide - kTop - kBottom) / kPanelHeight);

struct Colour {
  double red, green, blue;
};

/// From silence to the loudest: black, violet, red, orange, pale yellow; each lighter than the one
/// before, so that it reads in grey as well.
constexpr std::array<Colour, 7> kColours{{{0.00, 0.00, 0.02},
                                          {0.14, 0.05, 0.33},
                                          {0.40, 0.08, 0.43},
                                          {0.69, 0.18, 0.35},
                                          {0.91, 0.37, 0.19},
                                          {0.98, 0.65, 0.10},
                                          {0.99, 0.98, 0.70}}};

/// part: 0 for the quietest, 1 for the loudest. As cairo stores a pixel.
std::uint32_t colour_of(double part) {
  const double place = std::clamp(part, 0.0, 1.0) * (kColours.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), kColours.size() - 2);
  const double mix = place - static_cast<double>(below);
  const auto level = [&](double Colour::*field) {
    const double value = std::lerp(kColours[below].*field, kColours[below + 1].*field, mix);
    return static_cast<std::uint32_t>(std::lround(255.0 * value));
  };
  return level(&Colour::red) << 16 | level(&Colour::green) << 8 | level(&Colour::blue);
}

/// 1, 2 or 5 times a power of ten: the smallest that makes at most so many steps.
double round_step(double length, double steps) {
  const double least = length / steps;
  const double ten = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * ten >= least * 0.999) return factor * ten;
  return 10.0 * ten;
}

/// Steps of time that a clock has, above a second.
double time_step(double seconds, double steps) {
  for (const double step :
       {1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0})
    if (seconds > steps && step >= seconds / steps) return step;
  return round_step(seconds, steps);
}

std::string time_text(double seconds, double step) {
  if (step < 1.0)
    return fmt::format("{:.{}f}", seconds, static_cast<int>(-std::floor(std::log10(step))));
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole >= 3600)
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string frequency_text(double hz) {
  return hz < 1000.0 ? fmt::format("{:g}", hz) : fmt::format("{:g}k", hz / 1000.0);
}

/// What all panels have in common.
struct Scale {
  SpectrogramGrid grid;
  double loudest_db = 0.0;
};

enum class Align { left, centre, right };

class Painter {
 public:
  Painter(cairo_t* context, const Scale& scale) : context_(context), scale_(scale) {}

  void panel(const std::string& title, const std::vector<float>& levels, double top) {
    font(kTitleSize, CAIRO_FONT_WEIGHT_BOLD);
    text(fitting_text(context_, title, kPlotWidth), kLeft, top + kTitleHeight - 9.0, Align::left);
    font(kFontSize, CAIRO_FONT_WEIGHT_NORMAL);
    const double plot_top = top + kTitleHeight;
    pixels(levels, plot_top);
    frequency_axis(plot_top);
    time_ticks(plot_top);
    frame(kLeft, plot_top, kPlotWidth, kPlotHeight);
  }

  void time_labels(double bottom) {
    const double step = time_step(scale_.grid.seconds, 12.0);
    for (double time = 0.0; time <= scale_.grid.seconds * 1.0001; time += step)
      text(time_text(time, step), time_x(time), bottom + kTick + 17.0, Align::centre);
    const char* unit = step < 1.0 ? "time, s" : "time, min:s";
    text(unit, kLeft + kPlotWidth / 2, bottom + kTick + 40.0, Align::centre);
  }

  /// A bar of all colours with their levels, beside the first panel.
  void colour_bar(double plot_top) {
    const double x = kLeft + kPlotWidth + 22.0;
    constexpr double kWidth = 18.0;
    for (double y = 0.0; y < kPlotHeight; y += 1.0) {
      const std::uint32_t colour = colour_of(1.0 - y / (kPlotHeight - 1.0));
      cairo_set_source_rgb(context_, (colour >> 16 & 255) / 255.0, (colour >> 8 & 255) / 255.0,
                           (colour & 255) / 255.0);
      cairo_rectangle(context_, x, plot_top + y, kWidth, 1.0);
      cairo_fill(context_);
    }
    ink();
    frame(x, plot_top, kWidth, kPlotHeight);
    for (double below = 0.0; below <= kSpanDb; below += 20.0) {
      const double y = plot_top + kPlotHeight * below / kSpanDb;
      line(x + kWidth, y, x + kWidth + kTick, y);
      const double level = scale_.loudest_db - below;
      text(fmt::format("{}{:g}", level < 0.0 ? "−" : "", std::abs(level)), x + kWidth + kTick + 4.0,
           y + 5.0, Align::left);
    }
    text("dB", x, plot_top - 10.0, Align::left);
  }

 private:
  void ink() { cairo_set_source_rgb(context_, 0.1, 0.1, 0.12); }
  double time_x(double seconds) const { return kLeft + kPlotWidth * seconds / scale_.grid.seconds; }

  void font(double size, cairo_font_weight_t weight) {
    cairo_select_font_face(context_, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, weight);
    cairo_set_font_size(context_, size);
    ink();
  }

  void text(const std::string& words, double x, double baseline, Align align) {
    const double part = align == Align::left ? 0.0 : align == Align::centre ? 0.5 : 1.0;
    cairo_move_to(context_, std::round(x - part * text_width(context_, words)),
                  std::round(baseline));
    cairo_show_text(context_, words.c_str());
  }

  /// On whole pixels: a line one pixel wide runs through their middles.
  void line(double x0, double y0, double x1, double y1) {
    cairo_set_line_width(context_, 1.0);
    cairo_move_to(context_, std::floor(x0) + 0.5, std::floor(y0) + 0.5);
    cairo_line_to(context_, std::floor(x1) + 0.5, std::floor(y1) + 0.5);
    cairo_stroke(context_);
  }

  void frame(double x, double y, double width, double height) {
    cairo_set_line_width(context_, 1.0);
    cairo_rectangle(context_, x - 0.5, y - 0.5, width + 1.0, height + 1.0);
    cairo_stroke(context_);
  }

  void pixels(const std::vector<float>& levels, double top) {
    const auto width = static_cast<int>(scale_.grid.columns);
    const auto height = static_cast<int>(scale_.grid.rows);
    const Surface image = make_surface(width, height);
    unsigned char* bytes = cairo_image_surface_get_data(image.get());
    const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(image.get()));
    const double quietest = scale_.loudest_db - kSpanDb;
    for (std::size_t row = 0; row < scale_.grid.rows; ++row) {
      auto* out = reinterpret_cast<std::uint32_t*>(bytes + row * stride);
      for (std::size_t column = 0; column < scale_.grid.columns; ++column)
        out[column] = colour_of((levels[row * scale_.grid.columns + column] - quietest) / kSpanDb);
    }
    cairo_surface_mark_dirty(image.get());
    cairo_set_source_surface(context_, image.get(), kLeft, top);
    cairo_paint(context_);
    ink();
  }

  void frequency_axis(double top) {
    for (const double decade : {10.0, 100.0, 1000.0, 10000.0, 100000.0})
      for (const double factor : {1.0, 2.0, 5.0}) {
        const double hz = decade * factor;
        if (hz < scale_.grid.lowest_hz || hz > scale_.grid.highest_hz) continue;
        const double y = top + scale_.grid.row(hz);
        line(kLeft - kTick, y, kLeft - 1.0, y);
        text(frequency_text(hz), kLeft - kTick - 5.0, y + 5.0, Align::right);
      }
    cairo_save(context_);
    cairo_translate(context_, 22.0, top + kPlotHeight / 2);
    cairo_rotate(context_, -std::acos(0.0));
    text("frequency, Hz", 0.0, 0.0, Align::centre);
    cairo_restore(context_);
  }

  void time_ticks(double top) {
    const double step = time_step(scale_.grid.seconds, 12.0);
    for (double time = 0.0; time <= scale_.grid.seconds * 1.0001; time += step)
      line(time_x(time), top + kPlotHeight + 1.0, time_x(time), top + kPlotHeight + kTick);
  }

  cairo_t* context_;
  Scale scale_;
};

Scale common_scale(std::span<const SpectrogramPanel> panels) {
  check_panel_count(panels.size());
  Scale scale;
  int rate_hz = 0;
  double seconds = 0.0;
  for (const auto& [title, source] : panels) {
    if (source == nullptr || source->frames() == 0)
      fail(ErrorCode::invalid_argument, "[draw_spectrograms] {}: nothing to draw", title);
    rate_hz = std::max(rate_hz, source->sample_rate_hz());
    seconds = std::max(seconds, static_cast<double>(source->frames()) / source->sample_rate_hz());
  }
  scale.grid = {.columns = static_cast<std::size_t>(kPlotWidth),
                .rows = static_cast<std::size_t>(kPlotHeight),
                .seconds = seconds,
                .lowest_hz = std::min(kLowestHz, rate_hz / 20.0),
                .highest_hz = rate_hz / 2.0};
  return scale;
}

}  // namespace

void check_panel_count(std::size_t panels) {
  if (panels < 1 || panels > kMostPanels)
    fail(ErrorCode::invalid_argument, "[draw_spectrograms] {} spectrograms: 1 to {} in one picture",
         panels, kMostPanels);
}

void draw_spectrograms(std::span<const SpectrogramPanel> panels,
                       const std::filesystem::path& path) {
  Scale scale = common_scale(panels);
  audio::OutputFile file(path);
  std::vector<std::vector<float>> levels;
  float loudest = kQuietestDb;
  for (const SpectrogramPanel& panel : panels) {
    levels.push_back(compute_spectrogram(*panel.source, scale.grid));
    loudest = std::max(loudest, *std::ranges::max_element(levels.back()));
  }
  scale.loudest_db = 10.0 * std::ceil(loudest / 10.0);

  const double height = kTop + kPanelHeight * static_cast<double>(panels.size()) + kBottom;
  const Surface surface = make_surface(kLeft + kPlotWidth + kRight, height);
  const Context context = make_context(surface);
  Painter painter(context.get(), scale);
  for (std::size_t i = 0; i < panels.size(); ++i)
    painter.panel(panels[i].title, levels[i], kTop + kPanelHeight * static_cast<double>(i));
  painter.time_labels(kTop + kPanelHeight * static_cast<double>(panels.size()) - kPanelGap);
  painter.colour_bar(kTop + kTitleHeight);

  write_png(surface, context, file);
}

}  // namespace metalaudio::apps
