// Writes what the amps are trained on and judged by, as raw float32 at 48 kHz, full scale to full
// scale: NAME.in.f32 and what the circuit makes of it, NAME.out.f32.
// usage: amp_training_data FOLDER [SECONDS]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "training/amp/guitar.h"
#include "training/amp/preamp.h"

namespace {

using namespace metalaudio::training;

constexpr double kRateHz = 48000.0;

void append(std::vector<float>& to, const std::vector<float>& x, double gain_db) {
  const double gain = std::pow(10.0, gain_db / 20.0);
  for (const float v : x) to.push_back(static_cast<float>(gain * v));
}

/// A sine that glides from 20 Hz to 20 kHz, every octave as long as the next.
std::vector<float> sweep(double seconds) {
  std::vector<float> x(static_cast<std::size_t>(seconds * kRateHz));
  const double octaves = std::log(20000.0 / 20.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double t = static_cast<double>(i) / kRateHz / seconds;
    const double phase =
        2.0 * std::numbers::pi * 20.0 * seconds / octaves * std::expm1(octaves * t);
    x[i] = static_cast<float>(std::sin(phase));
  }
  return x;
}

/// Noise, of equal power in each octave down to some 100 Hz, whose level goes up and down.
std::vector<float> noise(double seconds, std::uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x(static_cast<std::size_t>(seconds * kRateHz));
  double a = 0.0, b = 0.0, c = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double white = static_cast<double>(engine()) / 2147483648.0 - 1.0;
    a = 0.99 * a + 0.06 * white;
    b = 0.96 * b + 0.18 * white;
    c = 0.57 * c + 0.6 * white;
    const double swell =
        0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * 1.7 * static_cast<double>(i) / kRateHz);
    x[i] = static_cast<float>(std::clamp(0.45 * swell * (a + b + c + 0.2 * white), -1.0, 1.0));
  }
  return x;
}

void write(const std::filesystem::path& path, std::span<const float> x) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(x.data()), static_cast<std::streamsize>(x.size_bytes()));
  if (!file) throw std::runtime_error(path.string() + ": cannot be written");
}

void write_set(const std::filesystem::path& folder, const std::string& name,
               const std::vector<float>& x) {
  write(folder / (name + ".in.f32"), x);
  write(folder / (name + ".out.f32"), play_preamp(x));
  std::printf("%s: %.1f s\n", name.c_str(), static_cast<double>(x.size()) / kRateHz);
}

std::vector<float> guitar(double seconds, std::uint32_t seed) {
  return play_guitar(random_playing(seconds, seed), seconds, kRateHz, seed + 1);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return std::fprintf(stderr, "usage: amp_training_data FOLDER [SECONDS]\n"), 1;
  const std::filesystem::path folder = arguments[1];
  const double seconds = count > 2 ? std::atof(arguments[2]) : 300.0;
  std::filesystem::create_directories(folder);

  std::vector<float> train;
  std::uint32_t seed = 1;
  append(train, sweep(6.0), -6.0);
  append(train, sweep(4.0), -26.0);
  append(train, noise(6.0, seed), 0.0);
  append(train, noise(4.0, seed + 1), -20.0);
  for (int i = 0; static_cast<double>(train.size()) / kRateHz < seconds; ++i) {
    constexpr double levels_db[] = {-12.0, -6.0, -18.0, 0.0, -24.0, -9.0, -32.0};
    append(train, guitar(8.0, seed += 2), levels_db[i % 7]);
  }
  write_set(folder, "train", train);

  // Seeds that were not trained on.
  seed = 1000001;
  std::vector<float> held_out;
  for (const double level_db : {-3.0, -9.0, -15.0, -21.0, -30.0})
    append(held_out, guitar(8.0, seed += 2), level_db);
  write_set(folder, "guitar", held_out);
  held_out.clear();
  append(held_out, sweep(3.0), -12.0);
  write_set(folder, "sweep", held_out);
  held_out.clear();
  append(held_out, noise(5.0, seed + 1), -10.0);
  write_set(folder, "noise", held_out);
  return 0;
}
