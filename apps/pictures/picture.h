#pragma once

#include <cairo/cairo.h>
#include <metalaudio/audio/output_file.h>

#include <memory>
#include <string>

namespace metalaudio::apps {

using Surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;
using Context = std::unique_ptr<cairo_t, decltype(&cairo_destroy)>;

constexpr double kMostPictureSide = 32767.0;  // cairo's own limit

/// An image of 24 bits a pixel.
/// Errors:   throws Error{unsupported} with cairo's reason.
Surface make_surface(double width, double height);

/// For drawing on white, with the font of all pictures.
Context make_context(const Surface& surface);

/// What cairo is given has to be UTF-8: display_text first, for all that is not our own.
double text_width(cairo_t* context, const std::string& text);

/// A text of any bytes as it can be drawn, its middle cut out where it is wider than that.
std::string fitting_text(cairo_t* context, const std::string& text, double most_width);

/// Writes the picture and commits the file.
/// Errors:   throws Error{unsupported} where any call before went wrong: cairo draws nothing from
///           then on and says so only when asked; Error{io} naming the file.
void write_png(const Surface& surface, const Context& context, audio::OutputFile& file);

/// Refuses a picture that is not named as what it is.
/// Errors:   throws Error{invalid_argument} naming the option unless the name ends in .png.
void check_picture_name(const std::string& option, const std::filesystem::path& picture);

}  // namespace metalaudio::apps
