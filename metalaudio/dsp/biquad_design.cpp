#include <metalaudio/core/error.h>
#include <metalaudio/dsp/biquad_design.h>

#include <cmath>
#include <numbers>

namespace metalaudio::dsp {

namespace {

constexpr std::size_t kLargestOrder = 256;

/// Negated comparisons, so that NaN fails them.
void check_frequency(const char* operation, double frequency_hz, double sample_rate_hz) {
  if (!(sample_rate_hz > 0.0 && std::isfinite(sample_rate_hz))) {
    fail(ErrorCode::invalid_argument, "[{}] sample rate {} Hz: expected more than 0", operation,
         sample_rate_hz);
  }
  if (!(frequency_hz > 0.0 && frequency_hz < sample_rate_hz / 2.0)) {
    fail(ErrorCode::invalid_argument,
         "[{}] frequency {} Hz: expected more than 0 and less than {} Hz, half the sample rate",
         operation, frequency_hz, sample_rate_hz / 2.0);
  }
}

void check_order(const char* operation, std::size_t order) {
  if (order == 0 || order > kLargestOrder) {
    fail(ErrorCode::invalid_argument, "[{}] order {}: expected 1 to {}", operation, order,
         kLargestOrder);
  }
}

void check_width(double value, const char* name) {
  if (!(value > 0.0 && value <= 1e6)) {
    fail(ErrorCode::invalid_argument, "[design_biquad] {} {}: expected more than 0, at most 1e6",
         name, value);
  }
}

/// Poles that rounding has put onto the unit circle: narrower, or nearer to an end of the band,
/// than double can hold.
void check_poles(const char* operation, std::span<const BiquadCoefficients> sections,
                 double frequency_hz, double sample_rate_hz) {
  for (const BiquadCoefficients& s : sections) {
    if (is_stable(s)) continue;
    fail(ErrorCode::invalid_argument,
         "[{}] at {} Hz of a sample rate of {} Hz: too narrow or too low for double precision",
         operation, frequency_hz, sample_rate_hz);
  }
}

/// A pair of a Butterworth filter's poles: pair 0 is the sharpest.
struct PolePair {
  double angle;  ///< from the imaginary axis

  double q() const { return 0.5 / std::sin(angle); }
};

/// The pairs in an order in which sharp and dull ones take turns, so that the gain at the corner,
/// which is the product of their Q, stays near 1. In order of Q it falls by up to 10^18 on the way
/// and is raised again, and rounding with it. It depends on the order alone: sections of two
/// designs correspond, and can glide into each other.
std::vector<PolePair> butterworth_pairs(std::size_t order) {
  std::vector<PolePair> pairs;
  std::size_t sharpest = 0;
  std::size_t dullest = order / 2;
  double gain = 1.0;
  while (sharpest < dullest) {
    const std::size_t k = gain > 1.0 ? --dullest : sharpest++;
    pairs.push_back(
        {std::numbers::pi * static_cast<double>(2 * k + 1) / static_cast<double>(2 * order)});
    gain *= pairs.back().q();
  }
  return pairs;
}

bool is_shelf(BiquadShape shape) {
  return shape == BiquadShape::low_shelf || shape == BiquadShape::high_shelf;
}

/// The cookbook's alpha; amplitude is 10^(gain_db/40).
double alpha_of(const BiquadDesign& design, double w, double amplitude) {
  const double half_sine = std::sin(w) / 2.0;
  if (const auto* q = std::get_if<Q>(&design.width)) {
    check_width(q->value, "Q");
    return half_sine / q->value;
  }
  if (const auto* octaves = std::get_if<Octaves>(&design.width)) {
    check_width(octaves->value, "bandwidth");
    return 2.0 * half_sine * std::sinh(std::numbers::ln2 / 2.0 * octaves->value * w / std::sin(w));
  }
  const double slope = std::get<ShelfSlope>(design.width).value;
  if (!is_shelf(design.shape)) {
    fail(ErrorCode::invalid_argument, "[design_biquad] slope {}: only shelves have one", slope);
  }
  check_width(slope, "slope");
  const double squared = (amplitude + 1.0 / amplitude) * (1.0 / slope - 1.0) + 2.0;
  if (squared <= 0.0) {
    fail(ErrorCode::invalid_argument, "[design_biquad] slope {} with a gain of {} dB: too steep",
         slope, design.gain_db);
  }
  return half_sine * std::sqrt(squared);
}

/// Low passes have 0 dB at 0 Hz and high passes at half the sample rate: taken from the poles as
/// they were rounded, so that it holds for any number of sections.
void set_pass_zeros(BiquadCoefficients& s, PassBand pass) {
  const double sign = pass == PassBand::low ? 1.0 : -1.0;
  // In this order the sums are exact where the cancellation is.
  const double gain = ((2.0 + sign * s.a1) + (s.a2 - 1.0)) / 4.0;
  s.b0 = gain;
  s.b1 = sign * 2.0 * gain;
  s.b2 = gain;
}

BiquadCoefficients shelf(double a, double cosine, double alpha, double sign) {
  // sign is 1 for the low shelf; the high one mirrors it about a quarter of the sample rate.
  const double root = 2.0 * std::sqrt(a) * alpha;
  const double plus = a + 1.0;
  const double minus = sign * (a - 1.0);
  const double a0 = plus + minus * cosine + root;
  return {.b0 = a * (plus - minus * cosine + root) / a0,
          .b1 = 2.0 * a * (minus - plus * cosine) / a0,
          .b2 = a * (plus - minus * cosine - root) / a0,
          .a1 = -2.0 * (minus + plus * cosine) / a0,
          .a2 = (plus + minus * cosine - root) / a0};
}

BiquadCoefficients all_but_shelves(BiquadShape shape, double a, double cosine, double alpha) {
  const double c2 = -2.0 * cosine;
  switch (shape) {
    case BiquadShape::low_pass:
    case BiquadShape::high_pass:
      return {0, 0, 0, c2, 1 - alpha};
    case BiquadShape::notch:
      return {1, c2, 1, c2, 1 - alpha};
    case BiquadShape::all_pass:
      return {1 - alpha, c2, 1 + alpha, c2, 1 - alpha};
    case BiquadShape::peaking:
      return {1 + alpha * a, c2, 1 - alpha * a, c2, 1 - alpha / a};
    default:
      return {alpha, 0, -alpha, c2, 1 - alpha};
  }
}

}  // namespace

BiquadCoefficients design_biquad(const BiquadDesign& design) {
  check_frequency("design_biquad", design.frequency_hz, design.sample_rate_hz);
  if (!(std::abs(design.gain_db) <= 120.0)) {
    fail(ErrorCode::invalid_argument, "[design_biquad] gain {} dB: expected -120 to 120",
         design.gain_db);
  }
  const double w = 2.0 * std::numbers::pi * design.frequency_hz / design.sample_rate_hz;
  const double a = std::pow(10.0, design.gain_db / 40.0);
  const double alpha = alpha_of(design, w, a);
  // From here on both poles lie so near to the ends of the band that a double loses them.
  constexpr double kWidest = 1e9;
  if (!(alpha <= kWidest)) {
    fail(ErrorCode::invalid_argument,
         "[design_biquad] at {} Hz of a sample rate of {} Hz: too wide for what lies below half of "
         "it",
         design.frequency_hz, design.sample_rate_hz);
  }
  BiquadCoefficients s;
  if (is_shelf(design.shape)) {
    s = shelf(a, std::cos(w), alpha, design.shape == BiquadShape::low_shelf ? 1.0 : -1.0);
  } else {
    s = all_but_shelves(design.shape, a, std::cos(w), alpha);
    double a0 = 1.0 + (design.shape == BiquadShape::peaking ? alpha / a : alpha);
    double gain = 1.0;
    if (design.shape == BiquadShape::band_pass_skirt) gain = std::sin(w) / 2.0 / alpha;
    s = {gain * s.b0 / a0, gain * s.b1 / a0, gain * s.b2 / a0, s.a1 / a0, s.a2 / a0};
    if (design.shape == BiquadShape::low_pass) set_pass_zeros(s, PassBand::low);
    if (design.shape == BiquadShape::high_pass) set_pass_zeros(s, PassBand::high);
  }
  check_poles("design_biquad", {&s, 1}, design.frequency_hz, design.sample_rate_hz);
  return s;
}

std::vector<BiquadCoefficients> design_butterworth(PassBand pass, std::size_t order,
                                                   double frequency_hz, double sample_rate_hz) {
  check_frequency("design_butterworth", frequency_hz, sample_rate_hz);
  check_order("design_butterworth", order);
  std::vector<BiquadCoefficients> sections;
  if (order % 2 == 1) {
    const double t = std::tan(std::numbers::pi * frequency_hz / sample_rate_hz);
    const double b = (pass == PassBand::low ? t : 1.0) / (1.0 + t);
    const double b1 = pass == PassBand::low ? b : -b;
    sections.push_back({b, b1, 0.0, (t - 1.0) / (1.0 + t), 0.0});
  }
  for (const PolePair& pair : butterworth_pairs(order)) {
    sections.push_back(design_biquad(
        {.shape = pass == PassBand::low ? BiquadShape::low_pass : BiquadShape::high_pass,
         .frequency_hz = frequency_hz,
         .sample_rate_hz = sample_rate_hz,
         .width = Q(pair.q())}));
  }
  return sections;
}

std::vector<BiquadCoefficients> design_butterworth_band(std::size_t order, double low_hz,
                                                        double high_hz, double sample_rate_hz) {
  check_frequency("design_butterworth_band", low_hz, sample_rate_hz);
  check_frequency("design_butterworth_band", high_hz, sample_rate_hz);
  check_order("design_butterworth_band", order);
  if (low_hz >= high_hz) {
    fail(ErrorCode::invalid_argument,
         "[design_butterworth_band] edges {} and {} Hz: expected the lower one first", low_hz,
         high_hz);
  }
  using Complex = std::complex<double>;
  const double low = std::tan(std::numbers::pi * low_hz / sample_rate_hz);
  const double high = std::tan(std::numbers::pi * high_hz / sample_rate_hz);
  const double middle = std::sqrt(low * high);
  std::vector<BiquadCoefficients> sections;
  // With s the analogue frequency: s^zeros / (s² - sum·s + product), 0 dB in the middle.
  const auto add = [&](double sum, double product, int zeros) {
    const double a0 = 1.0 - sum + product;
    const double gain = std::abs(Complex(product - low * high, -sum * middle)) /
                        (a0 * std::pow(middle, static_cast<double>(zeros)));
    const double b1 = zeros == 0 ? 2.0 : zeros == 1 ? 0.0 : -2.0;
    sections.push_back({gain, gain * b1, zeros == 1 ? -gain : gain, 2.0 * (product - 1.0) / a0,
                        (1.0 + sum + product) / a0});
  };
  for (const PolePair& pair : butterworth_pairs(order)) {
    const Complex half = std::polar((high - low) / 2.0, std::numbers::pi / 2.0 + pair.angle);
    const Complex root = std::sqrt(half * half - low * high);
    // A pole of the prototype gives one on either side of the middle. The lower one gets both zeros
    // at 0 Hz, the upper one none: so each has its gain in the band, however wide that is.
    const bool add_up = (std::conj(half) * root).real() >= 0.0;
    const Complex one = add_up ? half + root : half - root;
    const Complex other = low * high / one;
    const bool one_is_low = std::norm(one) < low * high;
    add(2.0 * one.real(), std::norm(one), one_is_low ? 2 : 0);
    add(2.0 * other.real(), std::norm(other), one_is_low ? 0 : 2);
  }
  // The prototype's real pole gives one conjugate pair, or two real poles.
  if (order % 2 == 1) add(low - high, low * high, 1);
  check_poles("design_butterworth_band", sections, low_hz, sample_rate_hz);
  return sections;
}

std::vector<BiquadCoefficients> design_linkwitz_riley(PassBand pass, std::size_t order,
                                                      double frequency_hz, double sample_rate_hz) {
  if (order % 2 == 1 || order == 0 || order > kLargestOrder) {
    fail(ErrorCode::invalid_argument, "[design_linkwitz_riley] order {}: expected even, 2 to {}",
         order, kLargestOrder);
  }
  auto sections = design_butterworth(pass, order / 2, frequency_hz, sample_rate_hz);
  const std::size_t half = sections.size();
  for (std::size_t i = 0; i < half; ++i) sections.push_back(sections[i]);
  if (pass == PassBand::high && order / 2 % 2 == 1) {
    BiquadCoefficients& s = sections.front();
    s.b0 = -s.b0;
    s.b1 = -s.b1;
    s.b2 = -s.b2;
  }
  return sections;
}

}  // namespace metalaudio::dsp
