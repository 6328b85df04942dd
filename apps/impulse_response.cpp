#include "apps/impulse_response.h"

#include <metalaudio/audio/resampler.h>
#include <metalaudio/audio/track_source.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "apps/interrupt.h"

namespace metalaudio::apps {
namespace {

/// Convolution's own limit: above it the response is not even read into memory.
constexpr std::int64_t kMostFrames = std::int64_t{1} << 26;
/// What the resampler's filter reaches to either side, in frames of the lower rate, and more.
constexpr std::int64_t kReachFrames = 1024;

/// From `begin` to `end`, and before and after that what is above the rounding of the largest
/// sample.
std::pair<std::size_t, std::size_t> audible(const std::vector<std::vector<float>>& channels,
                                            std::size_t begin, std::size_t end) {
  float largest = 0.0F;
  for (const auto& channel : channels)
    for (const float sample : channel) largest = std::max(largest, std::abs(sample));
  const float least = largest * 0x1p-24F;
  for (const auto& channel : channels)
    for (std::size_t i = 0; i < channel.size(); ++i) {
      if (std::abs(channel[i]) <= least) continue;
      begin = std::min(begin, i);
      end = std::max(end, i + 1);
    }
  return {begin, end};
}

/// With silence on both sides, of a time that is whole frames at both rates.
ImpulseResponse resampled(const AudioBuffer& in, int in_rate_hz, int out_rate_hz) {
  const std::int64_t common = std::gcd(in_rate_hz, out_rate_hz);
  const std::int64_t in_step = in_rate_hz / common;
  const std::int64_t out_step = out_rate_hz / common;
  const std::int64_t steps = kReachFrames / std::min(in_step, out_step) + 1;
  const auto frames = static_cast<std::int64_t>(in.frames());
  AudioBuffer padded(in.channels(), static_cast<std::size_t>(frames + 2 * steps * in_step));
  for (std::size_t channel = 0; channel < in.channels(); ++channel)
    std::ranges::copy(in.channel(channel), padded.channel(channel).begin() + steps * in_step);
  audio::Resampler resampler(in_rate_hz, out_rate_hz, in.channels());
  std::vector<std::vector<float>> out(in.channels());
  const auto append = [&](audio::AudioView view) {
    for (std::size_t channel = 0; channel < out.size(); ++channel)
      out[channel].insert(out[channel].end(), view.channel(channel).begin(),
                          view.channel(channel).end());
  };
  append(resampler.process(padded));
  append(resampler.flush());
  const auto zero = static_cast<std::size_t>(steps * out_step);
  const auto own_end = zero + static_cast<std::size_t>((frames * out_step - 1) / in_step) + 1;
  const auto [begin, end] = audible(out, zero, std::min(own_end, out[0].size()));
  ImpulseResponse result{AudioBuffer(in.channels(), end - begin), zero - begin};
  const float gain = static_cast<float>(in_rate_hz) / static_cast<float>(out_rate_hz);
  for (std::size_t channel = 0; channel < out.size(); ++channel)
    for (std::size_t i = begin; i < end; ++i)
      result.samples.channel(channel)[i - begin] = out[channel][i] * gain;
  return result;
}

}  // namespace

ImpulseResponse read_impulse_response(const std::filesystem::path& path, int sample_rate_hz) {
  audio::TrackOptions options{.sample_rate_hz = 0, .channels = 0};
  options.progress = [](double) { throw_if_interrupted(); };
  const audio::TrackSource track(path, options);
  const int own_rate_hz = track.sample_rate_hz();
  const std::int64_t frames = std::max(
      track.frames(), track.frames() * std::int64_t{sample_rate_hz} / std::int64_t{own_rate_hz});
  if (frames > kMostFrames)
    fail(ErrorCode::unsupported, "{}: a response of {} samples: at most {}", path.string(), frames,
         kMostFrames);
  AudioBuffer response(track.channels(), static_cast<std::size_t>(track.frames()));
  std::vector<float*> pointers;
  for (std::size_t channel = 0; channel < response.channels(); ++channel)
    pointers.push_back(response.channel(channel).data());
  track.read(0, response.frames(), pointers);
  if (own_rate_hz == sample_rate_hz) return {std::move(response), 0};
  return resampled(response, own_rate_hz, sample_rate_hz);
}

}  // namespace metalaudio::apps
