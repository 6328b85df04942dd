#include "training/amp/preamp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <functional>
#include <numbers>
#include <vector>

namespace metalaudio::training {
namespace {

constexpr double kRateHz = 48000.0;

double bisect(double low, double high, const std::function<double(double)>& rising) {
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    (rising(middle) < 0.0 ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

/// Koren's equation as he wrote it, in one line each.
double koren_plate_current(double grid, double plate) {
  const double e1 =
      plate / 600.0 *
      std::log(1.0 + std::exp(600.0 * (1.0 / 100.0 + grid / std::sqrt(300.0 + plate * plate))));
  return std::pow(e1, 1.4) / 1060.0 * 2.0;
}

std::vector<float> tone(double volts, double hz, double seconds) {
  std::vector<float> x(static_cast<std::size_t>(seconds * kRateHz));
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(
        volts / kInputVolts *
        std::sin(2.0 * std::numbers::pi * hz * static_cast<double>(i) / kRateHz));
  return x;
}

/// Twice the share of e^{iωt} in the last second, which hold whole periods.
std::complex<double> bin(const std::vector<float>& x, double hz) {
  const auto count = static_cast<std::size_t>(kRateHz);
  std::complex<double> sum = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const double angle = 2.0 * std::numbers::pi * hz * static_cast<double>(i) / kRateHz;
    sum += static_cast<double>(x[x.size() - count + i]) * std::polar(1.0, -angle);
  }
  return 2.0 * sum / static_cast<double>(count);
}

TEST(Preamp, DerivativesAreThoseOfTheCurrents) {
  constexpr double h = 1e-6;
  for (const double grid : {-4.0, -1.5, -0.5, 0.0, 0.4, 1.0}) {
    for (const double plate : {5.0, 60.0, 180.0, 290.0}) {
      const TriodeCurrents at = triode_12ax7(grid, plate);
      const auto slope = [](double more, double less) { return (more - less) / (2.0 * h); };
      // What central differences of 1e-6 V leave of a current of milliamperes.
      constexpr double kTolerance = 1e-9;
      EXPECT_NEAR(at.plate, koren_plate_current(grid, plate), 1e-15);
      EXPECT_NEAR(at.plate_by_grid,
                  slope(triode_12ax7(grid + h, plate).plate, triode_12ax7(grid - h, plate).plate),
                  kTolerance);
      EXPECT_NEAR(at.plate_by_plate,
                  slope(triode_12ax7(grid, plate + h).plate, triode_12ax7(grid, plate - h).plate),
                  kTolerance);
      EXPECT_NEAR(at.grid_by_grid,
                  slope(triode_12ax7(grid + h, plate).grid, triode_12ax7(grid - h, plate).grid),
                  kTolerance);
    }
  }
  const double slope = (diode_pair_1n4148(0.5 + h).current - diode_pair_1n4148(0.5 - h).current);
  EXPECT_NEAR(diode_pair_1n4148(0.5).by_voltage, slope / (2.0 * h), 1e-9);
}

TEST(Preamp, RestsWhereTheLoadLineMeetsTheValve) {
  const PreampParts parts;
  const Preamp preamp(kRateHz * kOversampling);
  const auto& v = preamp.voltages();
  // Independent of Newton: three bisections inside each other. Supply, plate resistor, valve and
  // cathode resistor carry one current; the grid's own flows through stopper and leak.
  const auto cathode_of = [&](double grid) {
    return bisect(0.0, 20.0, [&](double cathode) {
      const double grid_current = triode_12ax7(grid - cathode, 100.0).grid;
      const double plate = bisect(0.0, parts.supply, [&](double p) {
        return koren_plate_current(grid - cathode, p - cathode) -
               (parts.supply - p) / parts.plate_resistor;
      });
      return cathode / parts.cathode_resistor - grid_current -
             (parts.supply - plate) / parts.plate_resistor;
    });
  };
  const double grid = bisect(-5.0, 1.0, [&](double g) {
    const double current = triode_12ax7(g - cathode_of(g), 100.0).grid;
    return g / (parts.grid_leak + parts.grid_stopper) + current;
  });
  const double cathode = cathode_of(grid);
  EXPECT_NEAR(v[Preamp::grid], grid, 1e-7);
  EXPECT_NEAR(v[Preamp::cathode], cathode, 1e-7);
  const double current = (parts.supply - v[Preamp::plate]) / parts.plate_resistor;
  EXPECT_NEAR(current, koren_plate_current(grid - cathode, v[Preamp::plate] - cathode), 1e-11);
  EXPECT_EQ(v[Preamp::output], 0.0);
  // A data sheet's stage of these values idles near 1 mA.
  EXPECT_GT(current, 0.7e-3);
  EXPECT_LT(current, 1.3e-3);
  for (const double amperes : preamp.direct_imbalance()) EXPECT_LT(std::abs(amperes), 1e-12);
}

TEST(Preamp, StaysAtRestWithoutASound) {
  Preamp preamp(kRateHz * kOversampling);
  const Preamp::Voltages before = preamp.voltages();
  for (int i = 0; i < 100000; ++i) preamp.process(0.0);
  for (std::size_t n = 0; n < Preamp::kNodes; ++n)
    EXPECT_NEAR(preamp.voltages()[n], before[n], 1e-9) << n;
}

TEST(Preamp, ComesBackToRestAfterALoudSound) {
  Preamp preamp(kRateHz * kOversampling);
  const Preamp::Voltages before = preamp.voltages();
  for (int i = 0; i < 40000; ++i) preamp.process(4.0 * std::sin(0.007 * i));
  EXPECT_GT(std::abs(preamp.voltages()[Preamp::input] - before[Preamp::input]), 0.1)
      << "the grid's current charges the input capacitor";
  for (int i = 0; i < 400000; ++i) preamp.process(0.0);
  for (std::size_t n = 0; n < Preamp::kNodes; ++n)
    EXPECT_NEAR(preamp.voltages()[n], before[n], 1e-6) << n;
}

/// The circuit with the valve and the diodes as resistors and a current source: what it does to a
/// sound that is small enough, solved with complex numbers.
std::complex<double> linear_gain(double hz) {
  constexpr std::size_t n = Preamp::kNodes;
  using C = std::complex<double>;
  const PreampParts p;
  const Preamp rest(kRateHz);
  const auto& v = rest.voltages();
  const TriodeCurrents tube =
      triode_12ax7(v[Preamp::grid] - v[Preamp::cathode], v[Preamp::plate] - v[Preamp::cathode]);
  const C s(0.0, 2.0 * std::numbers::pi * hz);
  std::array<std::array<C, n>, n> y{};
  std::array<C, n> right{};
  const auto ground = [&](std::size_t a, C admittance) { y[a][a] += admittance; };
  const auto link = [&](std::size_t a, std::size_t b, C admittance) {
    ground(a, admittance), ground(b, admittance);
    y[a][b] -= admittance, y[b][a] -= admittance;
  };
  ground(Preamp::input, 1.0 / p.grid_leak + s * p.input_capacitor);
  right[Preamp::input] = s * p.input_capacitor;
  link(Preamp::input, Preamp::grid, 1.0 / p.grid_stopper);
  link(Preamp::grid, Preamp::plate, s * p.grid_to_plate);
  link(Preamp::grid, Preamp::cathode, tube.grid_by_grid);
  ground(Preamp::cathode, 1.0 / p.cathode_resistor + s * p.cathode_capacitor);
  ground(Preamp::plate, 1.0 / p.plate_resistor);
  link(Preamp::plate, Preamp::cathode, tube.plate_by_plate);
  y[Preamp::plate][Preamp::grid] += tube.plate_by_grid;
  y[Preamp::plate][Preamp::cathode] -= tube.plate_by_grid;
  y[Preamp::cathode][Preamp::grid] -= tube.plate_by_grid;
  y[Preamp::cathode][Preamp::cathode] += tube.plate_by_grid;
  link(Preamp::plate, Preamp::coupled, s * p.coupling_capacitor);
  link(Preamp::coupled, Preamp::output, 1.0 / p.clipper_series);
  ground(Preamp::output,
         1.0 / p.clipper_shunt + s * p.clipper_capacitor + diode_pair_1n4148(0.0).by_voltage);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t r = 0; r < n; ++r) {
      if (r == k) continue;
      const C factor = y[r][k] / y[k][k];
      for (std::size_t c = k; c < n; ++c) y[r][c] -= factor * y[k][c];
      right[r] -= factor * right[k];
    }
  return right[Preamp::output] / y[Preamp::output][Preamp::output];
}

TEST(Preamp, AmplifiesASmallSoundAsLinearTheorySays) {
  for (const double hz : {30.0, 100.0, 440.0, 1000.0, 4000.0, 10000.0}) {
    const std::vector<float> x = tone(1e-3, hz, 1.5);
    const std::complex<double> gain =
        bin(play_preamp(x), hz) / bin(x, hz) * kOutputVolts / kInputVolts;
    const std::complex<double> expected = linear_gain(hz);
    // The trapezoidal rule bends 10 kHz by (π f / rate)² / 3 = 0.2 %; a millivolt is not quite
    // small: its second harmonic is 60 dB down, what it does to the first one less than 1e-4.
    EXPECT_LT(std::abs(gain - expected) / std::abs(expected), 3e-3) << hz;
  }
  EXPECT_GT(std::abs(linear_gain(1000.0)), 3.0);
  EXPECT_LT(linear_gain(1000.0).real(), 0.0) << "a common cathode inverts";
}

TEST(Preamp, ClipsAsTheDiodesDo) {
  const PreampParts parts;
  const std::vector<float> y = play_preamp(tone(2.0, 200.0, 1.0));
  const auto [low, high] = std::minmax_element(y.begin() + 24000, y.end());
  // The most that flows to the diodes: the whole supply at the series resistor.
  const double most = bisect(0.0, 2.0, [&](double v) {
    return diode_pair_1n4148(v).current + v / parts.clipper_shunt -
           (parts.supply - v) / parts.clipper_series;
  });
  EXPECT_LT(std::max(-*low, *high) * kOutputVolts, most);
  EXPECT_GT(std::min(-*low, *high) * kOutputVolts, 0.4) << "a diode's knee";
  EXPECT_GT(std::abs(bin(y, 400.0)), 1e-3) << "the valve is not symmetric";
}

/// A sound that holds nothing above the band, at the lower rate's instants.
std::vector<double> circuit_at(std::size_t factor, double seconds) {
  Preamp preamp(kRateHz * static_cast<double>(factor));
  std::vector<double> y;
  const auto frames = static_cast<std::size_t>(seconds * kRateHz) * factor;
  for (std::size_t i = 0; i < frames; ++i) {
    const double t = static_cast<double>(i) / (kRateHz * static_cast<double>(factor));
    const double volts = std::sin(2.0 * std::numbers::pi * 220.0 * t) +
                         0.5 * std::sin(2.0 * std::numbers::pi * 1310.0 * t);
    const double out = preamp.process(volts);
    if (i % factor == 0) y.push_back(out);
  }
  return y;
}

TEST(Preamp, ConvergesWithTheSquareOfTheStep) {
  const std::vector<double> finest = circuit_at(128, 0.05);
  std::vector<double> errors;
  for (const std::size_t factor : {4, 8, 16}) {
    const std::vector<double> y = circuit_at(factor, 0.05);
    double error = 0.0, energy = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      error += (y[i] - finest[i]) * (y[i] - finest[i]);
      energy += finest[i] * finest[i];
    }
    errors.push_back(std::sqrt(error / energy));
  }
  // The trapezoidal rule is of second order: half the step, a quarter of the error.
  EXPECT_NEAR(errors[0] / errors[1], 4.0, 0.8);
  EXPECT_NEAR(errors[1] / errors[2], 4.0, 0.8);
  EXPECT_LT(errors[1], 3e-4) << "70 dB below the sound at eight times";
}

TEST(Preamp, NewtonTakesFewSteps) {
  Preamp preamp(kRateHz * kOversampling);
  for (int i = 0; i < 100000; ++i) preamp.process(4.0 * std::sin(1e-6 * i * i));
  EXPECT_LT(preamp.most_steps(), 20U);
}

TEST(Oversampling, UpAndDownGivesTheBandBack) {
  std::vector<double> x(4000);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = std::sin(0.3 * static_cast<double>(i)) + std::sin(2.0 * static_cast<double>(i));
  const std::vector<double> y = decimated(oversampled(x, 8), 8);
  ASSERT_EQ(y.size(), x.size());
  // Twice a ripple of 120 dB.
  for (std::size_t i = 200; i < 3800; ++i) EXPECT_NEAR(y[i], x[i], 5e-6) << i;
}

TEST(Oversampling, CutsOffWhatWouldFoldBack) {
  std::vector<double> x(16000);
  // 25 kHz at 384 kHz.
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = std::sin(2.0 * std::numbers::pi * 25.0 / 384.0 * static_cast<double>(i));
  const std::vector<double> y = decimated(x, 8);
  for (std::size_t i = 200; i < y.size() - 200; ++i) EXPECT_LT(std::abs(y[i]), 2e-6) << i;
}

}  // namespace
}  // namespace metalaudio::training
