#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/models/amp/amp.h>
#include <metalaudio/models/amp/cpu/program_kernels.h>
#include <metalaudio/models/amp/model.h>
#include <metalaudio/models/amp/runner.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <fstream>
#include <iterator>
#include <utility>

namespace metalaudio::models {
namespace {

constexpr float kLimit = 1e30F;
constexpr std::size_t kMostControls = 15;

std::vector<char> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path))
    fail(ErrorCode::io, "[Amp] {}: cannot be opened", path.string());
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) fail(ErrorCode::io, "[Amp] {}: cannot be read", path.string());
  return bytes;
}

}  // namespace

Amp::Amp(const std::filesystem::path& file, const AmpOptions& options)
    : Amp(std::as_bytes(std::span<const char>(read_file(file))), options) {}

Amp::Amp(std::span<const std::byte> file, const AmpOptions& options) {
  if (options.channels < 1 || options.channels > 2)
    fail(ErrorCode::invalid_argument, "[Amp] {} channels: 1 or 2", options.channels);
  if (!(options.slim >= 0.0 && options.slim <= 1.0))
    fail(ErrorCode::invalid_argument, "[Amp] slim {}: 0 to 1", options.slim);
  amp::Model model = amp::read_model(
      file, {options.tanh == AmpTanh::fast, options.slim, options.film_in_every_mode});
  if (model.program.out.channels != 1 || model.program.in.channels > 1 + kMostControls)
    fail(ErrorCode::unsupported,
         "[Amp] a network of {} inputs and {} outputs: an amp has one of each",
         model.program.in.channels, model.program.out.channels);
  sample_rate_hz_ = model.sample_rate_hz;
  loudness_db_ = model.loudness_db;
  input_level_dbu_ = model.input_level_dbu;
  output_level_dbu_ = model.output_level_dbu;
  controls_ = model.program.in.channels - 1;
  control_values_.assign(controls_, std::vector<float>(amp::kChunkFrames));
  const bool prewarm = options.prewarm.value_or(model.prewarmed);
  const auto program = std::make_shared<const amp::Program>(std::move(model.program));
  for (std::size_t c = 0; c < options.channels; ++c)
    runners_.push_back(std::make_unique<amp::Runner>(program, prewarm, model.prewarm_frames));
}

Amp::~Amp() = default;
Amp::Amp(Amp&&) noexcept = default;
Amp& Amp::operator=(Amp&&) noexcept = default;

std::size_t Amp::channels() const noexcept { return runners_.size(); }

void Amp::process_channel(std::size_t channel, std::span<const float> in,
                          std::span<float> out) noexcept {
  std::array<const float*, 1 + kMostControls> inputs{};
  for (std::size_t i = 0; i < controls_; ++i) inputs[1 + i] = control_values_[i].data();
  for (std::size_t first = 0; first < in.size(); first += amp::kChunkFrames) {
    const std::size_t count = std::min(in.size() - first, amp::kChunkFrames);
    inputs[0] = in.data() + first;
    float* const y = out.data() + first;
    runners_[channel]->process(inputs.data(), &y, count);
    if (amp::peak_of(y, count) <= std::numeric_limits<float>::max()) continue;
    std::fill(y, y + count, 0.0F);
    runners_[channel]->reset();
    status_.report(Trouble::state_cleared);
  }
}

void Amp::process(ConstAudioView in, AudioView out) noexcept {
  assert(in.channels() == channels() && out.channels() == channels());
  assert(in.frames() == out.frames());
  const FlushDenormals flush;
  bool good = true;
  for (std::size_t c = 0; c < channels(); ++c) {
    good = good && amp::peak_of(in.channel(c).data(), in.frames()) <= kLimit;
  }
  if (!good) {
    for (std::size_t c = 0; c < channels(); ++c) std::ranges::fill(out.channel(c), 0.0F);
    status_.report(Trouble::input_replaced);
    return;
  }
  for (std::size_t c = 0; c < channels(); ++c) process_channel(c, in.channel(c), out.channel(c));
}

void Amp::process(std::span<const float> x, std::span<float> y) noexcept {
  assert(channels() == 1 && x.size() == y.size());
  process(ConstAudioView(x), AudioView(y));
}

void Amp::reset() noexcept {
  for (const auto& runner : runners_) runner->reset();
}

void Amp::set_control(std::size_t index, float value) noexcept {
  if (index < control_values_.size()) std::ranges::fill(control_values_[index], value);
}

}  // namespace metalaudio::models
