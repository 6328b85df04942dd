#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/file_bytes.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/models/amp/amp_network.h>
#include <metalaudio/models/amp/model.h>
#include <metalaudio/models/amp/runner.h>

#include <algorithm>
#include <array>
#include <cassert>

namespace metalaudio::models {
namespace {

constexpr std::size_t kMostChannels = 1024;

}  // namespace

AmpNetwork::AmpNetwork(const std::filesystem::path& file) : AmpNetwork(FileBytes(file).bytes()) {}

AmpNetwork::AmpNetwork(std::span<const std::byte> file) {
  amp::Model model = amp::read_model(file, {});
  if (std::max(model.program.in.channels, model.program.out.channels) > kMostChannels) {
    fail(ErrorCode::unsupported, "[AmpNetwork] {} and {}: at most {}",
         counted(model.program.in.channels, "input"), counted(model.program.out.channels, "output"),
         kMostChannels);
  }
  sample_rate_hz_ = model.sample_rate_hz;
  prewarm_ = model.prewarmed;
  prewarm_frames_ = model.prewarm_frames;
  program_ = std::make_shared<const amp::Program>(std::move(model.program));
  runner_ = std::make_unique<amp::Runner>(program_, prewarm_, prewarm_frames_);
}

AmpNetwork::~AmpNetwork() = default;
AmpNetwork::AmpNetwork(AmpNetwork&&) noexcept = default;
AmpNetwork& AmpNetwork::operator=(AmpNetwork&&) noexcept = default;

AmpNetwork AmpNetwork::clone() const {
  AmpNetwork copy;
  copy.program_ = program_;
  copy.sample_rate_hz_ = sample_rate_hz_;
  copy.prewarm_ = prewarm_;
  copy.prewarm_frames_ = prewarm_frames_;
  copy.runner_ = std::make_unique<amp::Runner>(program_, prewarm_, prewarm_frames_);
  return copy;
}

std::size_t AmpNetwork::inputs() const noexcept { return program_->in.channels; }
std::size_t AmpNetwork::outputs() const noexcept { return program_->out.channels; }

void AmpNetwork::process(ConstAudioView in, AudioView out) noexcept {
  assert(in.channels() == inputs() && out.channels() == outputs());
  assert(in.frames() == out.frames());
  const FlushDenormals flush;
  std::array<const float*, kMostChannels> from{};
  std::array<float*, kMostChannels> to{};
  for (std::size_t c = 0; c < in.channels(); ++c) from[c] = in.channel(c).data();
  for (std::size_t c = 0; c < out.channels(); ++c) to[c] = out.channel(c).data();
  runner_->process(from.data(), to.data(), in.frames());
}

void AmpNetwork::reset() noexcept { runner_->reset(); }

}  // namespace metalaudio::models
