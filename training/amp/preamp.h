#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::training {

/// A triode's currents and their derivatives by the voltages from grid and plate to the cathode.
/// Source:   N. Koren, "Improved vacuum tube models for SPICE simulations", Glass Audio 8(5), 1996
///           (plate); K. Dempwolf and U. Zölzer, "A physically-motivated triode model for circuit
///           simulations", DAFx 2011 (grid).
struct TriodeCurrents {
  double plate = 0.0;
  double plate_by_grid = 0.0;  ///< the transconductance
  double plate_by_plate = 0.0;
  double grid = 0.0;
  double grid_by_grid = 0.0;
};
TriodeCurrents triode_12ax7(double grid_volts, double plate_volts);

/// Two silicon diodes the opposite way round: i = 2 Is sinh(v / nVt), and its derivative.
struct DiodeCurrent {
  double current = 0.0;
  double by_voltage = 0.0;
};
DiodeCurrent diode_pair_1n4148(double volts);

/// The parts of the circuit, in ohms, farads and volts.
struct PreampParts {
  double supply = 300.0;
  double input_capacitor = 22e-9;
  double grid_leak = 470e3;
  double grid_stopper = 68e3;
  double grid_to_plate = 1.7e-12;  ///< inside the valve
  double cathode_resistor = 1.5e3;
  double cathode_capacitor = 1e-6;
  double plate_resistor = 100e3;
  double coupling_capacitor = 22e-9;
  double clipper_series = 470e3;
  double clipper_shunt = 47e3;
  double clipper_capacitor = 330e-12;
};

/// A guitar amplifier's first stage and a distortion after it: a 12AX7 with a bypassed cathode,
/// whose grid conducts when it is driven positive, then two diodes that clip. Nodal analysis, the
/// trapezoidal rule, Newton's method on six voltages, all in double.
/// Threads:  one instance per thread.
class Preamp {
 public:
  enum Node : std::size_t { input, grid, cathode, plate, coupled, output };
  static constexpr std::size_t kNodes = 6;
  using Voltages = std::array<double, kNodes>;

  explicit Preamp(double sample_rate_hz, const PreampParts& parts = {});

  /// Volts at the input's socket to volts over the diodes.
  double process(double volts);
  const Voltages& voltages() const { return voltages_; }
  /// Amperes that flow into each node and do not flow out at the present voltages, without the
  /// capacitors: zero at rest.
  Voltages direct_imbalance() const;
  /// The most Newton steps that a sample has taken.
  std::size_t most_steps() const { return most_steps_; }

 private:
  using Matrix = std::array<std::array<double, kNodes>, kNodes>;
  struct Capacitor {
    std::size_t from;  ///< kNodes: the socket; kNodes + 1: ground
    std::size_t to;
    double conductance;  ///< 2 C / T
    double volts;
    double current;
  };

  void add_circuit(Voltages& current, Matrix* derivative) const;
  bool newton(bool with_capacitors);
  double between(const Capacitor& capacitor) const;

  PreampParts parts_;
  Voltages voltages_{};
  double socket_ = 0.0;
  std::vector<Capacitor> capacitors_;
  std::size_t most_steps_ = 0;
};

/// Linear phase, flat to 20 kHz at 48 kHz, 120 dB down from half the lower rate on; the delay is
/// taken out. `x` counts as zero outside.
std::vector<double> oversampled(std::span<const double> x, std::size_t factor);
std::vector<double> decimated(std::span<const double> x, std::size_t factor);

constexpr double kInputVolts = 4.0;   ///< of full scale at the socket
constexpr double kOutputVolts = 1.0;  ///< over the diodes of full scale in the file
constexpr std::size_t kOversampling = 8;

/// The circuit as a device for audio at 48 kHz, full scale to full scale.
std::vector<float> play_preamp(std::span<const float> x, double sample_rate_hz = 48000.0);

}  // namespace metalaudio::training
