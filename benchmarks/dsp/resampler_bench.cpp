#include "resampler_bench.h"

#include <fmt/format.h>
#include <metalaudio/dsp/stream_resampler.h>
#include <soxr.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "measure.h"
#ifdef METALAUDIO_BENCH_ZITA_RESAMPLER
#include <zita-resampler/resampler.h>
#endif
#ifdef METALAUDIO_BENCH_SAMPLERATE
#include <samplerate.h>
#endif

namespace metalaudio::bench {

namespace {

constexpr std::size_t kBlock = 64;

void bench_ratio(double from, double to, std::size_t channels, nlohmann::json& rows) {
  const auto room = static_cast<std::size_t>(std::ceil(kBlock * to / from)) + 1;
  AudioBuffer x(channels, kBlock), y(channels, room);
  std::vector<float> mixed(kBlock * channels), out(room * channels * 4);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < kBlock; ++i) {
      x.channel(c)[i] = mixed[i * channels + c] = std::sin(0.1F * static_cast<float>(i + c));
    }
  }
  Race race;
  std::vector<std::string> names;
  dsp::StreamResampler ours(from, to, {.channels = channels});
  race.add([&] { ours.process(std::as_const(x), y); });
  names.emplace_back("ours");
  dsp::StreamResampler drifting(from, to, {.channels = channels, .largest_drift = 1e-3});
  race.add([&] { drifting.process(std::as_const(x), y); });
  names.emplace_back("drifting");

  const soxr_io_spec_t samples = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
  const soxr_runtime_spec_t one_thread = soxr_runtime_spec(1);
  soxr_t soxr = soxr_create(from, to, static_cast<unsigned>(channels), nullptr, &samples, &quality,
                            &one_thread);
  race.add([&, soxr] {
    std::size_t taken = 0, given = 0;
    soxr_process(soxr, mixed.data(), kBlock, &taken, out.data(), room * 4, &given);
  });
  names.emplace_back("soxr_vhq");
#ifdef METALAUDIO_BENCH_ZITA_RESAMPLER
  Resampler zita;
  const bool has_zita = zita.setup(static_cast<unsigned>(from), static_cast<unsigned>(to),
                                   static_cast<unsigned>(channels), 96) == 0;
  if (has_zita) {
    race.add([&] {
      zita.inp_count = kBlock;
      zita.inp_data = mixed.data();
      zita.out_count = static_cast<unsigned>(room);
      zita.out_data = out.data();
      zita.process();
    });
    names.emplace_back("zita_96");
  }
#endif
#ifdef METALAUDIO_BENCH_SAMPLERATE
  int error = 0;
  SRC_STATE* const state = src_new(SRC_SINC_BEST_QUALITY, static_cast<int>(channels), &error);
  race.add([&, state] {
    SRC_DATA data{};
    data.data_in = mixed.data();
    data.input_frames = kBlock;
    data.data_out = out.data();
    data.output_frames = static_cast<long>(room);
    data.src_ratio = to / from;
    src_process(state, &data);
  });
  names.emplace_back("samplerate_best");
#endif
  const std::vector<double> times = race.run();
  const double frames = kBlock * to / from;
  nlohmann::json row = {{"name", fmt::format("resampler/{}-{}/{}ch", from, to, channels)},
                        {"latency_ms", 1e3 * ours.latency_samples() / to}};
  fmt::print("{:<28}", row["name"].get<std::string>());
  for (std::size_t i = 0; i < names.size(); ++i) {
    row[names[i] + "_ns_per_frame"] = times[i] / frames;
    fmt::print(" {} {:.1f}", names[i], times[i] / frames);
  }
  fmt::print(" ns per output frame\n");
  rows.push_back(row);
  soxr_delete(soxr);
#ifdef METALAUDIO_BENCH_SAMPLERATE
  src_delete(state);
#endif
}

}  // namespace

void bench_resampler(nlohmann::json& rows) {
  for (const auto& [from, to] : {std::pair(44100.0, 48000.0),
                                 {48000.0, 44100.0},
                                 {96000.0, 44100.0},
                                 {44100.0, 96000.0},
                                 {44100.0, 44101.0}}) {
    for (const std::size_t channels : {1U, 2U}) bench_ratio(from, to, channels, rows);
  }
}

}  // namespace metalaudio::bench
