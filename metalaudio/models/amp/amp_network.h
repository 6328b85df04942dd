#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

namespace metalaudio::models {

namespace amp {
class Runner;
struct Program;
}  // namespace amp

/// The network of a file that Amp reads, by itself: any number of inputs and outputs, and what it
/// makes of values is left as it is. It starts as the format's own player does.
/// Shapes:   in[inputs][frames] -> out[outputs][frames], any frames.
/// Errors:   the constructors throw what Amp's throw.
/// Threads:  one caller at a time; clones are independent.
/// Realtime: process, reset.
class AmpNetwork {
 public:
  explicit AmpNetwork(const std::filesystem::path& file);
  explicit AmpNetwork(std::span<const std::byte> file);
  ~AmpNetwork();
  AmpNetwork(AmpNetwork&&) noexcept;
  AmpNetwork& operator=(AmpNetwork&&) noexcept;

  /// A second state, as it was at first, over the same weights.
  AmpNetwork clone() const;

  std::size_t inputs() const noexcept;
  std::size_t outputs() const noexcept;
  /// The rate that it was trained at, where its file says so.
  std::optional<double> sample_rate_hz() const noexcept { return sample_rate_hz_; }

  METALAUDIO_REALTIME void process(ConstAudioView in, AudioView out) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;

 private:
  AmpNetwork() = default;

  std::shared_ptr<const amp::Program> program_;
  std::unique_ptr<amp::Runner> runner_;
  std::optional<double> sample_rate_hz_;
  std::size_t prewarm_frames_ = 0;
  bool prewarm_ = false;
};

}  // namespace metalaudio::models
