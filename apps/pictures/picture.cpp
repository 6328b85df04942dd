#include "apps/pictures/picture.h"

#include <metalaudio/core/error.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "apps/terminal/display_text.h"
#include "apps/terminal/progress_text.h"

namespace metalaudio::apps {
namespace {

void check(cairo_status_t status) {
  if (status != CAIRO_STATUS_SUCCESS)
    fail(ErrorCode::unsupported, "the picture: {}", cairo_status_to_string(status));
}

cairo_status_t append(void* file, const unsigned char* bytes, unsigned count) {
  const bool written =
      static_cast<audio::OutputFile*>(file)->try_write(std::as_bytes(std::span(bytes, count)));
  return written ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

}  // namespace

Surface make_surface(double width, double height) {
  Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width),
                                             static_cast<int>(height)),
                  cairo_surface_destroy);
  check(cairo_surface_status(surface.get()));
  return surface;
}

Context make_context(const Surface& surface) {
  Context context(cairo_create(surface.get()), cairo_destroy);
  cairo_set_source_rgb(context.get(), 1, 1, 1);
  cairo_paint(context.get());
  cairo_select_font_face(context.get(), "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                         CAIRO_FONT_WEIGHT_NORMAL);
  check(cairo_status(context.get()));
  return context;
}

double text_width(cairo_t* context, const std::string& text) {
  cairo_text_extents_t extents{};
  cairo_text_extents(context, text.c_str(), &extents);
  check(cairo_status(context));
  return extents.x_advance;
}

std::string fitting_text(cairo_t* context, const std::string& text, double most_width) {
  const std::string whole = display_text(text);
  std::string shown = whole;
  for (std::size_t count = character_count(whole); text_width(context, shown) > most_width;) {
    count = count * 9 / 10;
    shown = shortened(whole, count);
  }
  return shown;
}

void write_png(const Surface& surface, const Context& context, audio::OutputFile& file) {
  check(cairo_status(context.get()));
  check(cairo_surface_status(surface.get()));
  const cairo_status_t status = cairo_surface_write_to_png_stream(surface.get(), append, &file);
  file.check();
  check(status);
  file.commit();
}

void check_picture_name(const std::string& option, const std::filesystem::path& picture) {
  const std::string ending = picture.extension().string();
  if (ending != ".png" && ending != ".PNG")
    fail(ErrorCode::invalid_argument, "{} {}: a picture's name must end in .png", option,
         picture.string());
}

}  // namespace metalaudio::apps
