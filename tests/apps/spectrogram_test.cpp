#include <cairo/cairo.h>
#include <gtest/gtest.h>
#include <metalaudio/audio/memory_source.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <numbers>
#include <string>
#include <vector>

#include "apps/pictures/spectrogram.h"
#include "apps/pictures/spectrogram_picture.h"
#include "tests/support/test_folder.h"

namespace metalaudio::apps {
namespace {

constexpr int kRateHz = 44100;

/// A tone on the left channel alone.
audio::MemorySource tone(double frequency_hz, double seconds, float amplitude) {
  AudioBuffer samples(2, static_cast<std::size_t>(seconds * kRateHz));
  const double step = 2.0 * std::numbers::pi * frequency_hz / kRateHz;
  for (std::size_t frame = 0; frame < samples.frames(); ++frame)
    samples.channel(0)[frame] =
        amplitude * static_cast<float>(std::sin(step * static_cast<double>(frame)));
  return {std::move(samples), kRateHz};
}

constexpr SpectrogramGrid kGrid{.columns = 40, .rows = 200, .seconds = 2.0};

std::vector<float> column_of(const std::vector<float>& levels, std::size_t column) {
  std::vector<float> out;
  for (std::size_t row = 0; row < kGrid.rows; ++row)
    out.push_back(levels[row * kGrid.columns + column]);
  return out;
}

TEST(Spectrogram, RowsCountDownEvenlyInOctaves) {
  EXPECT_NEAR(kGrid.frequency_hz(0), 20000.0, 1e-6);
  EXPECT_NEAR(kGrid.frequency_hz(200), 30.0, 1e-6);
  EXPECT_NEAR(kGrid.row(kGrid.frequency_hz(77)), 77.0, 1e-6);
  EXPECT_NEAR(kGrid.row(1000) - kGrid.row(2000), kGrid.row(100) - kGrid.row(200), 1e-6);
}

TEST(Spectrogram, AToneIsWhereAndAsLoudAsItIs) {
  for (const double frequency : {60.0, 1000.0, 15000.0}) {
    const auto column = column_of(compute_spectrogram(tone(frequency, 2.0, 0.1F), kGrid), 20);
    const auto loudest = std::ranges::max_element(column);
    // Half a bin is 5.4 Hz: three rows at 60 Hz.
    EXPECT_NEAR(static_cast<double>(loudest - column.begin()) + 0.5, kGrid.row(frequency), 3.0);
    // -20 dB, 3 less for the silent channel, up to 1.5 less between two bins of a Hann window.
    EXPECT_LE(*loudest, -22.9F);
    EXPECT_GE(*loudest, -24.6F);
  }
}

TEST(Spectrogram, PastTheEndOfAShorterSourceThereIsSilence) {
  const auto levels = compute_spectrogram(tone(1000.0, 1.0, 1.0F), kGrid);
  EXPECT_GT(std::ranges::max(column_of(levels, 15)), -5.0F);
  EXPECT_EQ(std::ranges::max(column_of(levels, 25)), kQuietestDb);
}

TEST(Spectrogram, AboveHalfTheSampleRateIsNothing) {
  // Noise-like: every bin up to Nyquist is loud.
  AudioBuffer click(1, 8000);
  click.channel(0)[4000] = 1.0F;
  const audio::MemorySource source(std::move(click), 8000);
  const SpectrogramGrid grid{.columns = 40, .rows = 200, .seconds = 1.0, .highest_hz = 24000.0};
  const auto levels = compute_spectrogram(source, grid);
  float below = kQuietestDb;
  for (std::size_t row = 0; row < grid.rows; ++row)
    for (std::size_t column = 0; column < grid.columns; ++column) {
      const float level = levels[row * grid.columns + column];
      if (grid.frequency_hz(static_cast<double>(row) + 1.0) >= 4000.0)
        EXPECT_EQ(level, kQuietestDb) << grid.frequency_hz(static_cast<double>(row));
      else
        below = std::max(below, level);
    }
  EXPECT_GT(below, -80.0F);
}

/// The pixels that are not white between two rows, which a title is made of.
std::size_t ink(const std::filesystem::path& path, int top, int bottom) {
  cairo_surface_t* picture = cairo_image_surface_create_from_png(path.c_str());
  EXPECT_EQ(cairo_surface_status(picture), CAIRO_STATUS_SUCCESS);
  std::size_t count = 0;
  const int width = cairo_image_surface_get_width(picture);
  for (int row = top; row < bottom; ++row) {
    const auto* pixels = reinterpret_cast<const std::uint32_t*>(
        cairo_image_surface_get_data(picture) + row * cairo_image_surface_get_stride(picture));
    for (int column = 0; column < width; ++column)
      count += (pixels[column] & 0xFFFFFFU) != 0xFFFFFFU ? 1 : 0;
  }
  cairo_surface_destroy(picture);
  return count;
}

TEST(SpectrogramPicture, ATitleOfAnyBytesIsDrawnAndSoIsTheRest) {
  const TestFolder folder;
  const auto path = folder.path() / "picture.png";
  const auto source = tone(1000.0, 0.2, 1.0F);
  for (const std::string& title :
       {std::string("plain"), std::string("\xFF\xFE.wav"), std::string("caf\xE9"),
        std::string("\xED\xA0\x80"), std::string("\xC0\xAF"), std::string("\xF0\x9F"),
        std::string("a\nb\tc"), std::string("a\0b", 3), std::string(5000, 'x')}) {
    const std::vector<SpectrogramPanel> panels{{title, &source}};
    draw_spectrograms(panels, path);
    EXPECT_GT(ink(path, 20, 44), 100U) << title;
    EXPECT_GT(ink(path, 46, 262), 200000U) << title << ": the panel";
    EXPECT_GT(ink(path, 270, 330), 300U) << title << ": the time axis";
  }
}

TEST(SpectrogramPicture, MorePanelsThanAPictureHoldsAreRefused) {
  EXPECT_THROW(check_panel_count(127), Error);
  EXPECT_NO_THROW(check_panel_count(126));
}

TEST(SpectrogramPicture, DrawsAPngWithAPanelForEachSource) {
  const TestFolder folder;
  const auto path = folder.path() / "picture.png";
  const auto first = tone(1000.0, 0.05, 1.0F);
  const auto second = tone(100.0, 0.02, 0.5F);
  std::vector<int> heights;
  for (const std::vector<SpectrogramPanel>& panels :
       {std::vector<SpectrogramPanel>{{"first", &first}},
        std::vector<SpectrogramPanel>{{"first", &first}, {"second", &second}}}) {
    draw_spectrograms(panels, path);
    cairo_surface_t* picture = cairo_image_surface_create_from_png(path.c_str());
    ASSERT_EQ(cairo_surface_status(picture), CAIRO_STATUS_SUCCESS);
    EXPECT_EQ(cairo_image_surface_get_width(picture), 1400);
    heights.push_back(cairo_image_surface_get_height(picture));
    cairo_surface_destroy(picture);
  }
  EXPECT_GT(heights[1], heights[0] + 200);
}

TEST(SpectrogramPicture, RefusesNothingToDrawAndNamesAFolderThatIsMissing) {
  const TestFolder folder;
  const auto path = folder.path() / "none" / "picture.png";
  EXPECT_THROW(draw_spectrograms({}, path), Error);
  const audio::MemorySource empty(AudioBuffer(1, 0), kRateHz);
  const std::vector<SpectrogramPanel> nothing{{"nothing", &empty}};
  EXPECT_THROW(draw_spectrograms(nothing, path), Error);
  const auto source = tone(1000.0, 0.1, 1.0F);
  const std::vector<SpectrogramPanel> panels{{"tone", &source}};
  try {
    draw_spectrograms(panels, path);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("none/picture.png: No such file"), std::string::npos);
  }
}

}  // namespace
}  // namespace metalaudio::apps
