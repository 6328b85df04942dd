#include "training/amp/preamp.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>

namespace metalaudio::training {
namespace {

constexpr std::size_t kSocket = Preamp::kNodes;
constexpr std::size_t kGround = Preamp::kNodes + 1;

/// log(1 + exp(x)) and its derivative, for any x.
std::pair<double, double> soft_plus(double x) {
  if (x > 40.0) return {x, 1.0};
  const double e = std::exp(x);
  return {std::log1p(e), e / (1.0 + e)};
}

}  // namespace

TriodeCurrents triode_12ax7(double grid_volts, double plate_volts) {
  constexpr double mu = 100.0, exponent = 1.4, kg1 = 1060.0, kp = 600.0, kvb = 300.0;
  constexpr double gg = 6.177e-4, cg = 9.901, xi = 1.314, leak = 8.025e-8;
  TriodeCurrents result;
  const double vp = std::max(plate_volts, 0.0);
  const double root = std::sqrt(kvb + vp * vp);
  const auto [log, logistic] = soft_plus(kp * (1.0 / mu + grid_volts / root));
  const double e1 = vp / kp * log;
  result.plate = 2.0 * std::pow(e1, exponent) / kg1;
  const double by_e1 = 2.0 * exponent * std::pow(e1, exponent - 1.0) / kg1;
  result.plate_by_grid = by_e1 * vp * logistic / root;
  result.plate_by_plate =
      plate_volts > 0.0
          ? by_e1 * (log / kp - vp * vp * logistic * grid_volts / (root * root * root))
          : 0.0;
  const auto [plus, slope] = soft_plus(cg * grid_volts);
  result.grid = gg * std::pow(plus / cg, xi) + leak;
  result.grid_by_grid = gg * xi * std::pow(plus / cg, xi - 1.0) * slope;
  return result;
}

DiodeCurrent diode_pair_1n4148(double volts) {
  constexpr double saturation = 2.52e-9, emission_volts = 1.752 * 25.85e-3;
  // Newton may try more than any diode sees.
  const double x = std::clamp(volts / emission_volts, -60.0, 60.0);
  return {2.0 * saturation * std::sinh(x), 2.0 * saturation * std::cosh(x) / emission_volts};
}

Preamp::Preamp(double sample_rate_hz, const PreampParts& parts) : parts_(parts) {
  const auto capacitor = [&](std::size_t from, std::size_t to, double farads) {
    capacitors_.push_back({from, to, 2.0 * farads * sample_rate_hz, 0.0, 0.0});
  };
  capacitor(kSocket, input, parts.input_capacitor);
  capacitor(grid, plate, parts.grid_to_plate);
  capacitor(cathode, kGround, parts.cathode_capacitor);
  capacitor(plate, coupled, parts.coupling_capacitor);
  capacitor(output, kGround, parts.clipper_capacitor);
  // Somewhere near the operating point, from where Newton finds it.
  voltages_ = {0.0, 0.0, 1.5, 0.66 * parts.supply, 0.0, 0.0};
  if (!newton(false)) throw std::runtime_error("[Preamp] no operating point");
  for (Capacitor& c : capacitors_) c.volts = between(c);
  most_steps_ = 0;
}

double Preamp::between(const Capacitor& capacitor) const {
  const auto at = [&](std::size_t node) {
    return node == kGround ? 0.0 : node == kSocket ? socket_ : voltages_[node];
  };
  return at(capacitor.from) - at(capacitor.to);
}

/// The currents into each node through all but the capacitors, and what they gain per volt.
void Preamp::add_circuit(Voltages& current, Matrix* derivative) const {
  const Voltages& v = voltages_;
  const auto add = [&](std::size_t node, std::size_t by, double conductance) {
    if (derivative != nullptr) (*derivative)[node][by] += conductance;
  };
  const auto to_fixed = [&](std::size_t node, double ohms, double volts) {
    current[node] += (volts - v[node]) / ohms;
    add(node, node, -1.0 / ohms);
  };
  const auto to_node = [&](std::size_t a, std::size_t b, double ohms) {
    const double i = (v[a] - v[b]) / ohms;
    current[a] -= i;
    current[b] += i;
    add(a, a, -1.0 / ohms), add(b, b, -1.0 / ohms);
    add(a, b, 1.0 / ohms), add(b, a, 1.0 / ohms);
  };
  to_fixed(input, parts_.grid_leak, 0.0);
  to_node(input, grid, parts_.grid_stopper);
  to_fixed(cathode, parts_.cathode_resistor, 0.0);
  to_fixed(plate, parts_.plate_resistor, parts_.supply);
  to_node(coupled, output, parts_.clipper_series);
  to_fixed(output, parts_.clipper_shunt, 0.0);

  const TriodeCurrents tube = triode_12ax7(v[grid] - v[cathode], v[plate] - v[cathode]);
  current[grid] -= tube.grid;
  current[plate] -= tube.plate;
  current[cathode] += tube.grid + tube.plate;
  add(grid, grid, -tube.grid_by_grid), add(grid, cathode, tube.grid_by_grid);
  const double by_cathode = tube.plate_by_grid + tube.plate_by_plate;
  add(plate, grid, -tube.plate_by_grid), add(plate, plate, -tube.plate_by_plate);
  add(plate, cathode, by_cathode);
  add(cathode, grid, tube.grid_by_grid + tube.plate_by_grid);
  add(cathode, plate, tube.plate_by_plate);
  add(cathode, cathode, -tube.grid_by_grid - by_cathode);

  const DiodeCurrent diodes = diode_pair_1n4148(v[output]);
  current[output] -= diodes.current;
  add(output, output, -diodes.by_voltage);
}

Preamp::Voltages Preamp::direct_imbalance() const {
  Voltages current{};
  add_circuit(current, nullptr);
  return current;
}

bool Preamp::newton(bool with_capacitors) {
  constexpr std::size_t kMostSteps = 200;
  for (std::size_t step = 1; step <= kMostSteps; ++step) {
    Voltages current{};
    Matrix derivative{};
    add_circuit(current, &derivative);
    for (const Capacitor& c : capacitors_) {
      if (!with_capacitors) continue;
      const double i = c.conductance * (between(c) - c.volts) - c.current;
      const double sign[] = {-1.0, 1.0};
      const std::size_t ends[] = {c.from, c.to};
      for (std::size_t a = 0; a < 2; ++a) {
        if (ends[a] >= kNodes) continue;
        current[ends[a]] += sign[a] * i;
        derivative[ends[a]][ends[a]] -= c.conductance;
        if (ends[1 - a] < kNodes) derivative[ends[a]][ends[1 - a]] += c.conductance;
      }
    }
    // Gauss without pivots: the matrix is that of a circuit, its diagonal is never small.
    for (std::size_t k = 0; k < kNodes; ++k) {
      for (std::size_t r = k + 1; r < kNodes; ++r) {
        const double factor = derivative[r][k] / derivative[k][k];
        if (factor == 0.0) continue;
        for (std::size_t c = k; c < kNodes; ++c) derivative[r][c] -= factor * derivative[k][c];
        current[r] -= factor * current[k];
      }
    }
    Voltages change{};
    double most = 0.0;
    for (std::size_t r = kNodes; r-- > 0;) {
      double sum = -current[r];
      for (std::size_t c = r + 1; c < kNodes; ++c) sum -= derivative[r][c] * change[c];
      change[r] = sum / derivative[r][r];
      most = std::max(most, std::abs(change[r]));
    }
    // Exponentials mislead far from the solution: their two nodes take short steps.
    change[output] = std::clamp(change[output], -0.1, 0.1);
    change[grid] = std::clamp(change[grid], -2.0, 2.0);
    for (std::size_t n = 0; n < kNodes; ++n) voltages_[n] += change[n];
    most_steps_ = std::max(most_steps_, step);
    if (most < 1e-9) return true;
  }
  return false;
}

double Preamp::process(double volts) {
  socket_ = volts;
  if (!newton(true)) throw std::runtime_error("[Preamp] Newton's method does not converge");
  for (Capacitor& c : capacitors_) {
    const double now = between(c);
    c.current = c.conductance * (now - c.volts) - c.current;
    c.volts = now;
  }
  return voltages_[output];
}

namespace {

/// Kaiser's window of 120 dB over a transition from 20 to 24 kHz at 48 kHz; [2 half + 1], sum 1.
std::vector<double> low_pass(std::size_t factor) {
  constexpr double kBeta = 0.1102 * (120.0 - 8.7);
  const double width = 2.0 * std::numbers::pi * (4.0 / 48.0) / static_cast<double>(factor);
  const auto half = static_cast<std::size_t>(std::ceil((120.0 - 8.0) / (2.285 * width) / 2.0));
  const double cutoff = (22.0 / 48.0) / static_cast<double>(factor);
  std::vector<double> taps(2 * half + 1);
  double sum = 0.0;
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const double t = static_cast<double>(i) - static_cast<double>(half);
    const double x = t / static_cast<double>(half);
    const double angle = 2.0 * std::numbers::pi * cutoff * t;
    const double sinc = t == 0.0 ? 1.0 : std::sin(angle) / angle;
    taps[i] = sinc * std::cyl_bessel_i(0.0, kBeta * std::sqrt(std::max(0.0, 1.0 - x * x)));
    sum += taps[i];
  }
  for (double& tap : taps) tap /= sum;
  return taps;
}

}  // namespace

std::vector<double> oversampled(std::span<const double> x, std::size_t factor) {
  const std::vector<double> taps = low_pass(factor);
  const std::size_t half = taps.size() / 2;
  std::vector<double> y(x.size() * factor);
  for (std::size_t n = 0; n < y.size(); ++n) {
    // y[n] = factor · Σ taps[n - factor m + half] x[m]
    const std::size_t first = n > half ? (n - half + factor - 1) / factor : 0;
    const std::size_t last = std::min(x.size() - 1, (n + half) / factor);
    double sum = 0.0;
    for (std::size_t m = first; m <= last; ++m) sum += taps[n + half - factor * m] * x[m];
    y[n] = static_cast<double>(factor) * sum;
  }
  return y;
}

std::vector<double> decimated(std::span<const double> x, std::size_t factor) {
  const std::vector<double> taps = low_pass(factor);
  const std::size_t half = taps.size() / 2;
  std::vector<double> y(x.size() / factor);
  for (std::size_t m = 0; m < y.size(); ++m) {
    const std::size_t middle = m * factor;
    const std::size_t first = middle > half ? middle - half : 0;
    const std::size_t last = std::min(x.size() - 1, middle + half);
    double sum = 0.0;
    for (std::size_t n = first; n <= last; ++n) sum += taps[n + half - middle] * x[n];
    y[m] = sum;
  }
  return y;
}

std::vector<float> play_preamp(std::span<const float> x, double sample_rate_hz) {
  std::vector<double> volts(x.size());
  std::ranges::transform(x, volts.begin(), [](float v) { return kInputVolts * v; });
  std::vector<double> inside = oversampled(volts, kOversampling);
  Preamp preamp(sample_rate_hz * static_cast<double>(kOversampling));
  for (double& v : inside) v = preamp.process(v);
  const std::vector<double> out = decimated(inside, kOversampling);
  std::vector<float> y(out.size());
  std::ranges::transform(out, y.begin(),
                         [](double v) { return static_cast<float>(v / kOutputVolts); });
  return y;
}

}  // namespace metalaudio::training
