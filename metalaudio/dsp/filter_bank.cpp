#include <metalaudio/core/array.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/dsp/biquad/cpu/biquad_kernels.h>
#include <metalaudio/dsp/biquad/cpu/lane_section.h>
#include <metalaudio/dsp/filter_bank.h>

#include <algorithm>
#include <cassert>
#include <cmath>

namespace metalaudio::dsp {

namespace {

constexpr std::size_t kTileFrames = 64;
constexpr std::size_t kSettleSamples = 1024;
/// -600 dB.
constexpr double kInaudible = 1e-30;

std::vector<FilterSections> checked(std::span<const FilterSections> bands) {
  if (bands.empty()) fail(ErrorCode::invalid_argument, "[FilterBank] no bands");
  for (const FilterSections& band : bands) check_stable("FilterBank", band);
  return {bands.begin(), bands.end()};
}

std::size_t most_sections(const std::vector<FilterSections>& bands) {
  std::size_t most = 0;
  for (const FilterSections& band : bands) most = std::max(most, band.size());
  return most;
}

}  // namespace

struct FilterBank::Impl {
  explicit Impl(std::span<const FilterSections> filters)
      : kernels(biquad_kernels()),
        bands(checked(filters)),
        lanes(kernels.lanes),
        groups((bands.size() + lanes - 1) / lanes),
        sections(most_sections(bands)),
        group_size(sections * kBiquadLaneRows * lanes),
        rows(groups * group_size),
        tile(kTileFrames * lanes),
        input(kTileFrames) {
    for (std::size_t band = 0; band < groups * lanes; ++band) {
      for (std::size_t k = 0; k < sections; ++k) {
        // Where a band has fewer sections than others, or a lane no band, the input passes on.
        const bool there = band < bands.size() && k < bands[band].size();
        const auto section = biquad_lane_section(there ? bands[band][k] : BiquadCoefficients{});
        store_lane(section, row(band / lanes, k, kBeta0) + band % lanes, lanes);
      }
    }
  }

  double* row(std::size_t group, std::size_t section, std::size_t r) noexcept {
    return rows.data() + group * group_size + (section * kBiquadLaneRows + r) * lanes;
  }

  template <typename Body>
  void for_each_state(const Body& body) noexcept {
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::size_t k = 0; k < sections; ++k) {
        std::for_each_n(row(g, k, kState1), 2 * lanes, body);
      }
    }
  }

  void process_tile(AudioView out, std::size_t first, std::size_t frames) noexcept {
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::size_t f = 0; f < frames; ++f) std::fill_n(&tile[f * lanes], lanes, input[f]);
      kernels.run_lanes(row(g, 0, 0), sections, tile.data(), frames);
      const std::size_t count = std::min(lanes, bands.size() - g * lanes);
      for (std::size_t i = 0; i < count; ++i) {
        float* to = out.channel(g * lanes + i).data() + first;
        for (std::size_t f = 0; f < frames; ++f) to[f] = static_cast<float>(tile[f * lanes + i]);
      }
    }
  }

  const BiquadKernels& kernels;
  std::vector<FilterSections> bands;
  std::size_t lanes;
  std::size_t groups;
  std::size_t sections;
  std::size_t group_size;
  Array<double> rows;  ///< [groups][sections][kBiquadLaneRows][lanes]
  Array<double> tile;
  Array<double> input;
  std::size_t since_settled = 0;
  RealtimeStatus status;
};

FilterBank::FilterBank(std::span<const FilterSections> bands)
    : impl_(std::make_unique<Impl>(bands)) {}
FilterBank::~FilterBank() = default;
FilterBank::FilterBank(FilterBank&&) noexcept = default;
FilterBank& FilterBank::operator=(FilterBank&&) noexcept = default;

std::size_t FilterBank::bands() const noexcept { return impl_->bands.size(); }

void FilterBank::process(std::span<const float> in, AudioView out) noexcept {
  assert(out.channels() == bands() && out.frames() == in.size());
  const FlushDenormals flush;
  Impl& m = *impl_;
  for (std::size_t first = 0; first < in.size();) {
    const std::size_t frames =
        std::min({kTileFrames, in.size() - first, kSettleSamples - m.since_settled});
    if (!m.kernels.widen(in.data() + first, frames, m.input.data())) {
      m.status.report(Trouble::input_replaced);
    }
    m.process_tile(out, first, frames);
    first += frames;
    m.since_settled = (m.since_settled + frames) % kSettleSamples;
    if (m.since_settled > 0) continue;
    bool finite = true;
    m.for_each_state([&](double& state) {
      finite = finite && std::isfinite(state);
      if (std::abs(state) < kInaudible) state = 0.0;
    });
    if (finite) continue;
    m.for_each_state([](double& state) { state = 0.0; });
    m.status.report(Trouble::state_cleared);
  }
}

void FilterBank::reset() noexcept {
  impl_->since_settled = 0;
  impl_->for_each_state([](double& state) { state = 0.0; });
}

std::complex<double> FilterBank::band_response(std::size_t band, double frequency_hz,
                                               double sample_rate_hz) const {
  return response(impl_->bands.at(band), frequency_hz, sample_rate_hz);
}

std::complex<double> FilterBank::sum_response(double frequency_hz, double sample_rate_hz) const {
  std::complex<double> sum = 0.0;
  for (std::size_t i = 0; i < bands(); ++i) sum += band_response(i, frequency_hz, sample_rate_hz);
  return sum;
}

Trouble FilterBank::status() const noexcept { return impl_->status.peek(); }
Trouble FilterBank::take_status() noexcept { return impl_->status.take(); }

}  // namespace metalaudio::dsp
