#include <metalaudio/dsp/biquad/cpu/reference.h>

namespace metalaudio::dsp {

std::vector<double> reference_biquads(std::span<const BiquadCoefficients> sections,
                                      std::span<const float> x) {
  std::vector<double> y(x.begin(), x.end());
  for (const BiquadCoefficients& c : sections) {
    double x1 = 0.0;
    double x2 = 0.0;
    double y1 = 0.0;
    double y2 = 0.0;
    for (double& v : y) {
      const double out = c.b0 * v + c.b1 * x1 + c.b2 * x2 - c.a1 * y1 - c.a2 * y2;
      x2 = x1;
      x1 = v;
      y2 = y1;
      y1 = out;
      v = out;
    }
  }
  return y;
}

}  // namespace metalaudio::dsp
