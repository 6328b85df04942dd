#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/cuda/shared_memory.h>
#include <metalaudio/dsp/cuda/twiddles.h>
#include <metalaudio/dsp/window.h>
#include <metalaudio/models/htdemucs/cuda/frames.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace metalaudio::models::cuda {

using metalaudio::cuda::check;

namespace {

FrameSizes sizes_of(const HTDemucsConfig& config, std::size_t batch) {
  FrameSizes sizes;
  sizes.batch = static_cast<std::int64_t>(batch);
  sizes.channels = config.audio_channels;
  sizes.outputs = config.audio_channels * static_cast<std::int64_t>(config.sources.size());
  sizes.segment = config.segment_samples();
  sizes.nfft = config.nfft;
  sizes.frames = config.frames();
  return sizes;
}

/// 1 / the sum of squared windows under each sample, in the order in which frames are added.
std::vector<float> envelope_of(const std::vector<float>& window) {
  const std::size_t hop = window.size() / 4;
  std::vector<float> envelope(hop);
  for (std::size_t i = 0; i < hop; ++i) {
    for (std::size_t back = 4; back-- > 0;) {
      envelope[i] += window[i + back * hop] * window[i + back * hop];
    }
    envelope[i] = 1 / envelope[i];
  }
  return envelope;
}

std::size_t bytes_of(std::int64_t count, std::size_t size) {
  return static_cast<std::size_t>(count) * size;
}

int shared_bytes_of(const AudioDevice& device) {
  int shared = 0;
  check(metalaudio::cuda::most_shared_bytes(device.properties().index, shared),
        "its shared memory");
  return shared;
}

}  // namespace

std::string Frames::refusal(const HTDemucsConfig& config, Mode mode, const AudioDevice& device) {
  const FrameSizes sizes = sizes_of(config, 1);
  if (sizes.outputs > kMostOutputs) {
    return fmt::format("{} channels of stems, more than {}", sizes.outputs, kMostOutputs);
  }
  if (mode == Mode::time_only) return "";
  const bool power_of_two = (config.nfft & (config.nfft - 1)) == 0;
  if (!power_of_two || config.nfft < kSmallestTransform || config.nfft > kLargestTransform) {
    return fmt::format("spectrograms of {} samples: powers of two from {} to {} are done there",
                       config.nfft, kSmallestTransform, kLargestTransform);
  }
  if (config.audio_channels > kMostChannels) {
    return fmt::format("{} channels, more than {}", config.audio_channels, kMostChannels);
  }
  const int shared = shared_bytes_of(device);
  if (transform_shared_bytes(config.nfft) > shared - 1024) {
    return fmt::format("spectrograms of {} samples need more than its {} KiB of shared memory",
                       config.nfft, shared / 1024);
  }
  return "";
}

Frames::Frames(const HTDemucsConfig& config, Mode mode, std::size_t batch,
               std::shared_ptr<AudioDevice> device, int shared)
    : sizes_(sizes_of(config, batch)),
      mode_(mode),
      device_(std::move(device)),
      moments_(batch * sizeof(SegmentMoments), device_) {
  const bool full = mode == Mode::full;
  const std::int64_t parts = kSampleParts + (full ? spectrogram_parts(sizes_) : 0);
  parts_ = Buffer(batch * bytes_of(parts, sizeof(double2)), device_);
  if (!full) return;
  at_once_ = stems_shared_bytes(sizes_.nfft) <= (shared > 0 ? shared : shared_bytes_of(*device_));
  const std::int64_t cells = sizes_.batch * sizes_.frames;
  const std::int64_t frames = at_once_ ? 0 : cells * sizes_.outputs * sizes_.nfft;
  working_ = Buffer(std::max(bytes_of(cells * sizes_.channels * sizes_.rows(), sizeof(float2)),
                             bytes_of(frames, sizeof(float))),
                    device_);

  scale_ = static_cast<float>(1.0 / std::sqrt(static_cast<double>(sizes_.nfft)));
  const std::vector<float> analysis = dsp::make_window(static_cast<std::size_t>(sizes_.nfft));
  std::vector<float> tables = analysis;
  for (const float value : analysis) tables.push_back(value / scale_);
  for (const float value : envelope_of(analysis)) tables.push_back(value);
  const std::vector<float> twiddles =
      dsp::cuda::make_twiddles(static_cast<std::size_t>(sizes_.nfft));
  tables.insert(tables.end(), twiddles.begin(), twiddles.end());
  tables_ = Buffer(tables.size() * sizeof(float), device_);
  device_->upload(tables_.handle(), 0, tables.data(), tables_.bytes());
  const metalaudio::cuda::CurrentDevice current(device_->properties().index);
  check(allow_transform(sizes_.nfft), "shared memory for a transform");
  if (at_once_) check(allow_stems(sizes_), "shared memory for stems");
}

float2* Frames::twiddles() { return reinterpret_cast<float2*>(envelope() + sizes_.hop()); }

void Frames::forward(const float* mix, float* waveform, float* spectrogram) {
  const auto stream = static_cast<cudaStream_t>(device_->stream());
  const bool full = mode_ == Mode::full;
  auto* const spectra = static_cast<float2*>(working_.handle());
  sum_samples(sizes_, mix, sample_parts(), stream);
  if (full) {
    transform_forward(sizes_, mix, window(), scale_, twiddles(), spectra, spectrogram_sums(),
                      stream);
  }
  finish_moments(sizes_, sample_parts(), full ? spectrogram_sums() : nullptr, moments(), stream);
  write_waveform(sizes_, mix, moments(), waveform, stream);
  if (full) write_spectrogram(sizes_, spectra, moments(), spectrogram, stream);
  check(cudaGetLastError(), "the frames of a segment");
}

void Frames::inverse(const float* waveform, const float* spectrogram, float* stems) {
  const auto stream = static_cast<cudaStream_t>(device_->stream());
  if (at_once_) {
    write_stems(sizes_, spectrogram, synthesis_window(), twiddles(), envelope(), waveform,
                moments(), stems, stream);
  } else {
    float* frames = nullptr;
    if (mode_ == Mode::full) {
      frames = static_cast<float*>(working_.handle());
      transform_inverse(sizes_, spectrogram, synthesis_window(), twiddles(), moments(), frames,
                        stream);
    }
    overlap_add(sizes_, frames, envelope(), waveform, moments(), stems, stream);
  }
  check(cudaGetLastError(), "the stems of a segment");
}

}  // namespace metalaudio::models::cuda
