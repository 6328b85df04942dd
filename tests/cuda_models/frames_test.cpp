#include <gtest/gtest.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/models/htdemucs/cuda/frames.h>
#include <metalaudio/models/htdemucs/spectrogram.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "signal_to_noise.h"

namespace metalaudio::models {
namespace {

/// Both sides round to float32; the transforms' noise lies near 137 dB.
constexpr double kFloatDecibels = 120;

/// x - mean over 1e-5 + deviation, and how to undo it.
struct Level {
  explicit Level(std::span<const float> values) {
    double sum = 0;
    double squares = 0;
    for (const float v : values) sum += v;
    const double centre = sum / static_cast<double>(values.size());
    for (const float v : values) squares += (v - centre) * (v - centre);
    mean = static_cast<float>(centre);
    deviation = static_cast<float>(std::sqrt(squares / static_cast<double>(values.size() - 1)));
  }
  float normalised(float value) const { return (value - mean) * (1.0F / (1e-5F + deviation)); }

  float mean;
  float deviation;
};

struct Case {
  std::int64_t nfft;
  std::int64_t channels;
  std::int64_t sources;
  std::int64_t segment;
  Mode mode = Mode::full;
};

HTDemucsConfig config_of(const Case& sizes) {
  HTDemucsConfig config;
  config.nfft = sizes.nfft;
  config.audio_channels = sizes.channels;
  config.sources.assign(static_cast<std::size_t>(sizes.sources), "stem");
  config.samplerate = sizes.segment;
  config.segment_numerator = config.segment_denominator = 1;
  return config;
}

std::vector<float> noise(std::size_t count, unsigned seed, float level = 1, float offset = 0) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = level * normal(random) + offset;
  return values;
}

/// Host values on the device, and back; its memory is full of NaN before.
class OnDevice {
 public:
  OnDevice(const std::shared_ptr<AudioDevice>& device, std::size_t count)
      : device_(device), count_(count), buffer_(count * sizeof(float), device) {
    write(std::vector<float>(count, std::numeric_limits<float>::quiet_NaN()));
  }
  OnDevice(const std::shared_ptr<AudioDevice>& device, const std::vector<float>& values)
      : OnDevice(device, values.size()) {
    write(values);
  }
  void write(const std::vector<float>& values) {
    device_->upload(buffer_.handle(), 0, values.data(), values.size() * sizeof(float));
  }
  std::vector<float> read() const {
    std::vector<float> values(count_);
    device_->download(values.data(), buffer_.handle(), 0, count_ * sizeof(float));
    return values;
  }
  float* data() { return static_cast<float*>(buffer_.handle()); }

 private:
  std::shared_ptr<AudioDevice> device_;
  std::size_t count_;
  Buffer buffer_;
};

/// What Frames made of a batch.
struct Result {
  std::vector<float> waveform;
  std::vector<float> spectrogram;
  std::vector<float> stems;
};

class CudaFrames : public testing::TestWithParam<Case> {
 protected:
  Result run(std::size_t batch, const std::vector<float>& mix, const std::vector<float>& waveform,
             const std::vector<float>& spectrogram, int shared = 0) {
    cuda::Frames frames(config_, GetParam().mode, batch, device_, shared);
    OnDevice in(device_, mix);
    OnDevice waveform_in(device_, mix.size());
    OnDevice spectrogram_in(device_, batch * cells_ * channels_ * 2);
    OnDevice waveform_out(device_, waveform);
    OnDevice spectrogram_out(device_, spectrogram);
    OnDevice stems(device_, waveform.size());
    frames.forward(in.data(), waveform_in.data(), spectrogram_in.data());
    frames.inverse(waveform_out.data(), spectrogram_out.data(), stems.data());
    return {waveform_in.read(), spectrogram_in.read(), stems.read()};
  }

  std::shared_ptr<AudioDevice> device_ = open_device(DeviceType::cuda);
  HTDemucsConfig config_ = config_of(GetParam());
  std::size_t channels_ = static_cast<std::size_t>(GetParam().channels);
  std::size_t outputs_ = channels_ * config_.sources.size();
  std::size_t segment_ = static_cast<std::size_t>(GetParam().segment);
  std::size_t cells_ = static_cast<std::size_t>(config_.nfft / 2 * config_.frames());
};

TEST_P(CudaFrames, AreThoseOfTheCpuWhateverTheBatch) {
  ASSERT_EQ(cuda::Frames::refusal(config_, GetParam().mode, *device_), "");
  constexpr std::size_t kBatch = 3;
  const bool full = GetParam().mode == Mode::full;
  const std::vector<float> mix = noise(kBatch * channels_ * segment_, 1, 0.2F, 0.05F);
  const std::vector<float> waveform = noise(kBatch * outputs_ * segment_, 2);
  const std::vector<float> spectrogram = noise(kBatch * cells_ * outputs_ * 2, 3);
  const Result all = run(kBatch, mix, waveform, spectrogram);
  ThreadPool pool(1);
  Spectrogram reference(config_, outputs_, pool);
  for (std::size_t s = 0; s < kBatch; ++s) {
    const auto part = [s](const std::vector<float>& values) {
      const std::size_t size = values.size() / kBatch;
      return std::vector<float>(values.begin() + static_cast<std::ptrdiff_t>(s * size),
                                values.begin() + static_cast<std::ptrdiff_t>((s + 1) * size));
    };
    const std::vector<float> x = part(mix);
    const Level time(x);
    std::vector<float> normalised(x.size());
    for (std::size_t i = 0; i < segment_; ++i) {
      for (std::size_t c = 0; c < channels_; ++c) {
        normalised[i * channels_ + c] = time.normalised(x[c * segment_ + i]);
      }
    }
    EXPECT_GE(signal_to_noise(part(all.waveform), normalised), kFloatDecibels);

    std::vector<float> stems(outputs_ * segment_);
    if (full) {
      std::vector<float> z(cells_ * channels_ * 2);
      reference.forward(x, z);
      const Level freq(z);
      for (float& v : z) v = freq.normalised(v);
      EXPECT_GE(signal_to_noise(part(all.spectrogram), z), kFloatDecibels);
      reference.inverse(part(spectrogram), freq.deviation, freq.mean, stems);
    }
    const std::vector<float> branch = part(waveform);
    for (std::size_t o = 0; o < outputs_; ++o) {
      for (std::size_t i = 0; i < segment_; ++i) {
        stems[o * segment_ + i] += branch[i * outputs_ + o] * time.deviation + time.mean;
      }
    }
    EXPECT_GE(signal_to_noise(part(all.stems), stems), kFloatDecibels);

    const Result one = run(1, x, branch, part(spectrogram));
    EXPECT_EQ(one.waveform, part(all.waveform));
    EXPECT_EQ(one.stems, part(all.stems));
    if (full) {
      EXPECT_EQ(one.spectrogram, part(all.spectrogram));
    }

    // As on a device whose blocks have little shared memory.
    const Result stepped = run(1, x, branch, part(spectrogram), 1);
    EXPECT_GE(signal_to_noise(stepped.stems, stems), kFloatDecibels);
  }
}

/// Every size of transform, lengths that are no multiples of a hop, segments that are shorter than
/// what they are padded with, one channel and an odd number of them.
INSTANTIATE_TEST_SUITE_P(Sizes, CudaFrames,
                         testing::Values(Case{64, 2, 2, 1000}, Case{128, 1, 3, 777},
                                         Case{256, 2, 4, 3001}, Case{512, 2, 2, 400},
                                         Case{1024, 4, 1, 5000}, Case{2048, 2, 4, 44100},
                                         Case{4096, 2, 4, 100003}, Case{4096, 2, 6, 343980},
                                         Case{4096, 1, 4, 50000}, Case{8192, 2, 2, 70001},
                                         Case{64, 3, 2, 333}, Case{128, 2, 1, 60},
                                         Case{4096, 2, 4, 20000, Mode::time_only}),
                         [](const auto& test) {
                           const Case& sizes = test.param;
                           return "Nfft" + std::to_string(sizes.nfft) + "Channels" +
                                  std::to_string(sizes.channels) + "Samples" +
                                  std::to_string(sizes.segment) +
                                  (sizes.mode == Mode::full ? "" : "TimeOnly");
                         });

TEST(CudaFramesOfRandomSizes, AreThoseOfTheCpu) {
  std::mt19937 random(20);
  const auto between = [&](int least, int most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random);
  };
  const auto device = open_device(DeviceType::cuda);
  ThreadPool pool(1);
  for (int round = 0; round < 12; ++round) {
    const Case sizes{std::int64_t{1} << between(6, 13), between(1, 4), between(1, 6),
                     between(100, 60000)};
    const HTDemucsConfig config = config_of(sizes);
    SCOPED_TRACE(testing::Message() << sizes.nfft << ' ' << sizes.channels << ' ' << sizes.sources
                                    << ' ' << sizes.segment);
    const auto segment = static_cast<std::size_t>(sizes.segment);
    const auto channels = static_cast<std::size_t>(sizes.channels);
    const auto cells = static_cast<std::size_t>(config.nfft / 2 * config.frames());
    const std::vector<float> mix = noise(channels * segment, static_cast<unsigned>(round));
    OnDevice in(device, mix);
    OnDevice waveform(device, mix.size());
    OnDevice spectrogram(device, cells * channels * 2);
    cuda::Frames frames(config, Mode::full, 1, device);
    frames.forward(in.data(), waveform.data(), spectrogram.data());
    std::vector<float> expected(cells * channels * 2);
    Spectrogram(config, channels, pool).forward(mix, expected);
    const Level level(expected);
    for (float& v : expected) v = level.normalised(v);
    EXPECT_GE(signal_to_noise(spectrogram.read(), expected), kFloatDecibels);
  }
}

TEST(CudaFramesRefusal, SaysWhyASpectrogramIsLeftToTheCpu) {
  const auto device = open_device(DeviceType::cuda);
  const auto refusal = [&](const Case& sizes) {
    return cuda::Frames::refusal(config_of(sizes), sizes.mode, *device);
  };
  EXPECT_NE(refusal({1000, 2, 4, 5000}), "");
  EXPECT_NE(refusal({16384, 2, 4, 50000}), "");
  EXPECT_NE(refusal({4096, 5, 1, 5000}), "");
  EXPECT_NE(refusal({4096, 2, 40, 5000}), "");
  EXPECT_EQ(refusal({1000, 2, 4, 5000, Mode::time_only}), "");
}

}  // namespace
}  // namespace metalaudio::models
