#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/biquad_cascade.h>
#include <metalaudio/dsp/biquad_design.h>

#include <charconv>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/commands/commands.h"
#include "apps/commands/file_processing.h"

namespace metalaudio::apps {
namespace {

using Numbers = std::vector<double>;
using Sections = std::vector<dsp::BiquadCoefficients>;

/// One option of the command: its name, its numbers, and the sections that it stands for.
struct FilterKind {
  const char* name;
  const char* numbers;  ///< their names, the optional ones in brackets
  std::size_t fewest;
  std::size_t most;
  double last;  ///< what the last number is when left out
  const char* help;
  Sections (*design)(const Numbers& numbers, double sample_rate_hz);
};

Sections one(dsp::BiquadShape shape, double frequency_hz, double sample_rate_hz,
             dsp::FilterWidth width, double gain_db = 0.0) {
  return {dsp::design_biquad({.shape = shape,
                              .frequency_hz = frequency_hz,
                              .sample_rate_hz = sample_rate_hz,
                              .width = width,
                              .gain_db = gain_db})};
}

std::size_t order_of(double number) {
  if (number < 1.0 || number > 256.0 || number != std::floor(number))
    fail(ErrorCode::invalid_argument, "order {}: expected a whole number from 1 to 256", number);
  return static_cast<std::size_t>(number);
}

const std::vector<FilterKind> kKinds{
    {"--low-pass", "HZ[:ORDER]", 1, 2, 2.0, "Butterworth low-pass, of order 2 unless said",
     [](const Numbers& n, double rate) {
       return dsp::design_butterworth(dsp::PassBand::low, order_of(n[1]), n[0], rate);
     }},
    {"--high-pass", "HZ[:ORDER]", 1, 2, 2.0, "Butterworth high-pass, of order 2 unless said",
     [](const Numbers& n, double rate) {
       return dsp::design_butterworth(dsp::PassBand::high, order_of(n[1]), n[0], rate);
     }},
    {"--band-pass", "LOW_HZ:HIGH_HZ[:ORDER]", 2, 3, 2.0,
     "Butterworth band-pass, of order 2 on either side unless said",
     [](const Numbers& n, double rate) {
       return dsp::design_butterworth_band(order_of(n[2]), n[0], n[1], rate);
     }},
    {"--linkwitz-riley-low", "HZ[:ORDER]", 1, 2, 4.0,
     "The low side of a crossover, of even order, 4 unless said",
     [](const Numbers& n, double rate) {
       return dsp::design_linkwitz_riley(dsp::PassBand::low, order_of(n[1]), n[0], rate);
     }},
    {"--linkwitz-riley-high", "HZ[:ORDER]", 1, 2, 4.0,
     "The high side of a crossover, of even order, 4 unless said",
     [](const Numbers& n, double rate) {
       return dsp::design_linkwitz_riley(dsp::PassBand::high, order_of(n[1]), n[0], rate);
     }},
    {"--resonant-low-pass", "HZ:Q", 2, 2, 0.0, "Low-pass of one section; its gain at HZ is Q",
     [](const Numbers& n, double rate) {
       return one(dsp::BiquadShape::low_pass, n[0], rate, dsp::Q(n[1]));
     }},
    {"--resonant-high-pass", "HZ:Q", 2, 2, 0.0, "High-pass of one section; its gain at HZ is Q",
     [](const Numbers& n, double rate) {
       return one(dsp::BiquadShape::high_pass, n[0], rate, dsp::Q(n[1]));
     }},
    {"--resonant-band-pass", "HZ:Q", 2, 2, 0.0, "Band-pass of one section, 0 dB at HZ",
     [](const Numbers& n, double rate) {
       return one(dsp::BiquadShape::band_pass, n[0], rate, dsp::Q(n[1]));
     }},
    {"--all-pass", "HZ[:Q]", 1, 2, 0.70710678118654752,
     "Turn the phase around a frequency, the level unchanged; Q is 0.707 unless said",
     [](const Numbers& n, double rate) {
       return one(dsp::BiquadShape::all_pass, n[0], rate, dsp::Q(n[1]));
     }},
    {"--notch", "HZ[:Q]", 1, 2, 10.0, "Take one frequency out; Q is 10 unless said",
     [](const Numbers& n, double rate) {
       return one(dsp::BiquadShape::notch, n[0], rate, dsp::Q(n[1]));
     }},
    {"--peak", "HZ:DB[:Q]", 2, 3, 1.0, "Raise or lower around a frequency; Q is 1 unless said",
     [](const Numbers& n, double rate) {
       return one(dsp::BiquadShape::peaking, n[0], rate, dsp::Q(n[2]), n[1]);
     }},
    {"--low-shelf", "HZ:DB[:SLOPE]", 2, 3, 1.0, "Raise or lower all below a frequency",
     [](const Numbers& n, double rate) {
       return one(dsp::BiquadShape::low_shelf, n[0], rate, dsp::ShelfSlope(n[2]), n[1]);
     }},
    {"--high-shelf", "HZ:DB[:SLOPE]", 2, 3, 1.0, "Raise or lower all above a frequency",
     [](const Numbers& n, double rate) {
       return one(dsp::BiquadShape::high_shelf, n[0], rate, dsp::ShelfSlope(n[2]), n[1]);
     }},
};

struct FilterOptions {
  FileProcessingOptions file;
  std::vector<std::vector<std::string>> filters{kKinds.size()};  ///< of each kind
};

/// "1000:4" as numbers; the last one may be missing.
Numbers parse(const FilterKind& kind, std::string_view text) {
  Numbers numbers;
  const char* place = text.data();
  const char* const end = place + text.size();
  for (bool more = true; more;) {
    double number = 0.0;
    const auto [next, error] = std::from_chars(place, end, number);
    if (error != std::errc() || !std::isfinite(number)) break;
    numbers.push_back(number);
    place = next;
    more = place != end && *place == ':';
    if (more) ++place;
  }
  if (place != end || numbers.size() < kind.fewest || numbers.size() > kind.most)
    fail(ErrorCode::invalid_argument, "{} {}: expected {}", kind.name, text, kind.numbers);
  if (numbers.size() < kind.most) numbers.push_back(kind.last);
  return numbers;
}

Sections design(const FilterOptions& options, int sample_rate_hz) {
  Sections sections;
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    for (const std::string& text : options.filters[i]) {
      const Sections part = kKinds[i].design(parse(kKinds[i], text), sample_rate_hz);
      sections.insert(sections.end(), part.begin(), part.end());
    }
  if (sections.empty())
    fail(ErrorCode::invalid_argument, "no filter was given: see metalaudio filter --help");
  return sections;
}

int filter(const FilterOptions& options) {
  check_files(options.file, {});
  audio::AudioReader reader(options.file.in, {.allow_truncated = options.file.allow_truncated});
  dsp::BiquadCascade cascade(design(options, reader.format().sample_rate_hz),
                             {.channels = reader.format().channels});
  FileProcessing processing;
  processing.out_channels = reader.format().channels;
  processing.process = [&](ConstAudioView in, AudioView out) {
    cascade.process(in, out);
    const Trouble trouble = cascade.status();
    if (trouble == Trouble::input_replaced)
      fail(ErrorCode::invalid_data, "{}: a sample beyond ±1e30", options.file.in.string());
    if (trouble == Trouble::state_cleared)
      fail(ErrorCode::invalid_data, "{}: the filters' gain is beyond all numbers",
           options.file.in.string());
  };
  process_file(reader, processing, options.file);
  return 0;
}

}  // namespace

void add_filter_command(CLI::App& app, int& status) {
  CLI::App* command =
      app.add_subcommand("filter", "Filter a file; each kind of filter may be given several times");
  const auto options = std::make_shared<FilterOptions>();
  add_file_processing_options(*command, options->file);
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    command->add_option(kKinds[i].name, options->filters[i], kKinds[i].help)
        ->allow_extra_args(false)
        ->type_name(kKinds[i].numbers)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->group("Filters");
  command->callback([options, &status] { status = filter(*options); });
}

}  // namespace metalaudio::apps
