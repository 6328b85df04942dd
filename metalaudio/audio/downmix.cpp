#include <metalaudio/audio/downmix.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

#include <array>
#include <bit>

namespace metalaudio::audio {
namespace {

constexpr float kMinus3Db = 0.70710678f;
constexpr float kMinus6Db = 0.5f;

}  // namespace

std::uint32_t usual_channel_mask(std::size_t channels) noexcept {
  // Mono, stereo, 3.0, quadro, 5.0, 5.1, 6.1, 7.1: what FLAC means by the number alone, and 7.1 of
  // WAVE, whose side channels come last.
  constexpr std::array<std::uint32_t, 9> kUsual{0, 0x4, 0x3, 0x7, 0x33, 0x37, 0x3F, 0x70F, 0x63F};
  return channels < kUsual.size() ? kUsual[channels] : 0;
}

Downmix::Gains Downmix::gains_of(unsigned speaker) noexcept {
  switch (std::uint32_t{1} << speaker) {
    case 0x1:
      return {1.0f, 0.0f};
    case 0x2:
      return {0.0f, 1.0f};
    case 0x4:  // front centre
      return {kMinus3Db, kMinus3Db};
    case 0x8:  // LFE
      return {};
    case 0x10:    // back left
    case 0x40:    // front left of centre
    case 0x200:   // side left
    case 0x1000:  // top front and back left
    case 0x8000:
      return {kMinus3Db, 0.0f};
    case 0x20:
    case 0x80:
    case 0x400:
    case 0x4000:
    case 0x20000:
      return {0.0f, kMinus3Db};
    case 0x100:  // back centre, top centre, top front and back centre
    case 0x800:
    case 0x2000:
    case 0x10000:
      return {kMinus6Db, kMinus6Db};
    default:
      return {};
  }
}

Downmix::Downmix(std::string_view what, std::size_t channels, std::uint32_t channel_mask) {
  if (channel_mask == 0) channel_mask = usual_channel_mask(channels);
  if (channels < 2 || std::popcount(channel_mask) != static_cast<int>(channels))
    fail(ErrorCode::unsupported, "[Downmix] {}: {}, whose speakers are not known", what,
         counted(channels, "channel"));
  for (unsigned speaker = 0; speaker < 32; ++speaker)
    if ((channel_mask >> speaker & 1) != 0) gains_.push_back(gains_of(speaker));
}

ConstAudioView Downmix::apply(ConstAudioView in) {
  if (in.channels() != gains_.size())
    fail(ErrorCode::invalid_argument, "[Downmix] {} of {}", counted(in.channels(), "channel"),
         gains_.size());
  out_ = AudioBuffer(2, in.frames());
  for (std::size_t channel = 0; channel < gains_.size(); ++channel) {
    const auto samples = in.channel(channel);
    for (std::size_t frame = 0; frame < samples.size(); ++frame) {
      out_.channel(0)[frame] += gains_[channel].left * samples[frame];
      out_.channel(1)[frame] += gains_[channel].right * samples[frame];
    }
  }
  return out_;
}

}  // namespace metalaudio::audio
