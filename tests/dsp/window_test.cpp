#include <metalaudio/core/error.h>
#include <metalaudio/dsp/window.h>

#include <cmath>

#include "golden.h"

namespace metalaudio::dsp {
namespace {

WindowShape shape_named(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(WindowShape::kaiser); ++i) {
    if (to_string(static_cast<WindowShape>(i)) == name) return static_cast<WindowShape>(i);
  }
  ADD_FAILURE() << "no window is called " << name;
  return WindowShape::hann;
}

TEST(Window, EqualsScipyForEveryShapeAndSymmetry) {
  const auto cases = golden_cases("window");
  EXPECT_EQ(cases.size(), 48U);
  for (const auto& golden : cases) {
    WindowOptions options;
    options.shape = shape_named(golden["shape"]);
    options.symmetry = golden["periodic"] ? WindowSymmetry::periodic : WindowSymmetry::symmetric;
    const auto& values = golden["values"];
    const auto window = make_window_double(values.size(), options);
    for (std::size_t i = 0; i < values.size(); ++i) {
      // A few roundings of double.
      EXPECT_NEAR(window[i], values[i].get<double>(), 1e-14) << golden["shape"] << " " << i;
    }
  }
}

TEST(Window, RefusesSizesAndBetasThatMakeNoWindow) {
  EXPECT_THROW(make_window(0), Error);
  EXPECT_THROW(make_window(std::size_t(-1)), Error);
  for (const double beta : {-1.0, 1e9, std::nan("")}) {
    EXPECT_THROW(make_window(8, {.shape = WindowShape::kaiser, .kaiser_beta = beta}), Error);
  }
}

}  // namespace
}  // namespace metalaudio::dsp
