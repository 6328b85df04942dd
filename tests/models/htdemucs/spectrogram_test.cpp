// Beside torch.stft and torch.istft written plainly in double.
#include <gtest/gtest.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/htdemucs/spectrogram.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <ostream>
#include <random>
#include <vector>

namespace metalaudio::models {
namespace {

struct Case {
  std::int64_t nfft;
  std::int64_t segment;
  std::int64_t channels;
  std::size_t sources;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.nfft << " of " << c.segment << ", " << c.channels << " channels, " << c.sources
       << " sources";
}

std::vector<float> noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.1F, 1.0F);
  std::vector<float> values(size);
  for (float& v : values) v = normal(random);
  return values;
}

double signal_to_noise(const std::vector<float>& actual, const std::vector<float>& expected) {
  double signal = 0;
  double error = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = static_cast<double>(actual[i]) - expected[i];
    signal += static_cast<double>(expected[i]) * expected[i];
    error += difference * difference;
  }
  return 10 * std::log10(signal / error);
}

class SpectrogramOf : public ::testing::TestWithParam<Case> {
 protected:
  using Complex = std::complex<double>;

  SpectrogramOf() {
    config_.nfft = GetParam().nfft;
    config_.samplerate = 1000;
    config_.segment_numerator = GetParam().segment;
    config_.segment_denominator = 1000;
    config_.audio_channels = GetParam().channels;
    for (std::int64_t i = 0; i < nfft_; ++i) {
      window_.push_back(0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) /
                                             static_cast<double>(nfft_)));
    }
  }

  /// pad1d in reflect mode, step by step as upstream has it.
  std::vector<double> padded(const float* x) const {
    const std::int64_t left = hop_ / 2 * 3;
    std::int64_t right = left + frames_ * hop_ - segment_;
    std::int64_t more_left = 0;
    std::int64_t more_right = 0;
    if (segment_ <= std::max(left, right)) {
      const std::int64_t lacking = std::max(left, right) - segment_ + 1;
      more_right = std::min(right, lacking);
      more_left = lacking - more_right;
    }
    std::vector<double> values(static_cast<std::size_t>(more_left));
    values.insert(values.end(), x, x + segment_);
    values.resize(values.size() + static_cast<std::size_t>(more_right));
    return reflected(values, left - more_left, right - more_right);
  }

  static std::vector<double> reflected(const std::vector<double>& x, std::int64_t left,
                                       std::int64_t right) {
    const auto size = static_cast<std::int64_t>(x.size());
    std::vector<double> all;
    for (std::int64_t i = -left; i < size + right; ++i) {
      const std::int64_t at = i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
      all.push_back(x[static_cast<std::size_t>(at)]);
    }
    return all;
  }

  Complex turn(std::int64_t f, std::int64_t i) const {
    return std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(f * i % nfft_) /
                               static_cast<double>(nfft_));
  }

  std::vector<float> forward(const std::vector<float>& x) const {
    std::vector<float> z(static_cast<std::size_t>(nfft_ / 2 * frames_ * channels_ * 2));
    for (std::int64_t c = 0; c < channels_; ++c) {
      const std::vector<double> all =
          reflected(padded(x.data() + c * segment_), nfft_ / 2, nfft_ / 2);
      for (std::int64_t f = 0; f < nfft_ / 2; ++f) {
        for (std::int64_t t = 0; t < frames_; ++t) {
          Complex sum = 0;
          for (std::int64_t i = 0; i < nfft_; ++i) {
            sum += all[static_cast<std::size_t>((t + 2) * hop_ + i)] *
                   window_[static_cast<std::size_t>(i)] * turn(f, i);
          }
          sum /= std::sqrt(static_cast<double>(nfft_));
          float* to = z.data() + ((f * frames_ + t) * channels_ + c) * 2;
          to[0] = static_cast<float>(sum.real());
          to[1] = static_cast<float>(sum.imag());
        }
      }
    }
    return z;
  }

  std::vector<float> inverse(const std::vector<float>& z, double scale, double offset) const {
    const std::int64_t size = (frames_ + 3) * hop_ + nfft_;
    std::vector<float> x;
    for (std::int64_t o = 0; o < outputs_; ++o) {
      std::vector<double> sums(static_cast<std::size_t>(size));
      std::vector<double> weights(static_cast<std::size_t>(size));
      for (std::int64_t t = 0; t < frames_ + 4; ++t) {
        const bool empty = t < 2 || t >= frames_ + 2;
        for (std::int64_t i = 0; i < nfft_; ++i) {
          const double w = window_[static_cast<std::size_t>(i)];
          const auto at = static_cast<std::size_t>(t * hop_ + i);
          weights[at] += w * w;
          double sum = 0;
          for (std::int64_t f = 0; f < nfft_ / 2 && !empty; ++f) {
            const float* from = z.data() + ((f * frames_ + t - 2) * outputs_ + o) * 2;
            const Complex bin(from[0] * scale + offset, f == 0 ? 0 : from[1] * scale + offset);
            sum += (bin * std::conj(turn(f, i))).real() * (f == 0 ? 1 : 2);
          }
          sums[at] += sum / std::sqrt(static_cast<double>(nfft_)) * w;
        }
      }
      const std::int64_t first = nfft_ / 2 + hop_ / 2 * 3;
      for (std::int64_t i = first; i < first + segment_; ++i)
        x.push_back(static_cast<float>(sums[static_cast<std::size_t>(i)] /
                                       weights[static_cast<std::size_t>(i)]));
    }
    return x;
  }

  std::int64_t nfft_ = GetParam().nfft;
  std::int64_t hop_ = nfft_ / 4;
  std::int64_t segment_ = GetParam().segment;
  std::int64_t frames_ = (segment_ + hop_ - 1) / hop_;
  std::int64_t channels_ = GetParam().channels;
  std::int64_t outputs_ = channels_ * static_cast<std::int64_t>(GetParam().sources);
  std::vector<double> window_;
  HTDemucsConfig config_;
};

/// Float32 transforms of few points: their rounding, 1e-7, with room.
constexpr double kDecibels = 125;

TEST_P(SpectrogramOf, EqualsTorchsTransformAndKnowsItsMoments) {
  ThreadPool pool(2);
  Spectrogram spectrogram(config_, static_cast<std::size_t>(outputs_), pool);
  const std::vector<float> x = noise(static_cast<std::size_t>(channels_ * segment_), 1);
  const std::vector<float> expected = forward(x);
  std::vector<float> z(expected.size());
  const Moments moments = spectrogram.forward(x, z);
  EXPECT_GE(signal_to_noise(z, expected), kDecibels);
  double mean = 0;
  double squares = 0;
  for (const float v : z) mean += v / static_cast<double>(z.size());
  for (const float v : z) squares += (v - mean) * (v - mean);
  EXPECT_EQ(moments.count, static_cast<double>(z.size()));
  // Sums of doubles in another order.
  EXPECT_NEAR(moments.mean, mean, 1e-12);
  EXPECT_NEAR(moments.squares, squares, 1e-12 * squares);
}

TEST_P(SpectrogramOf, EqualsTorchsInverseBesideAWaveform) {
  ThreadPool pool(3);
  Spectrogram spectrogram(config_, static_cast<std::size_t>(outputs_), pool);
  const std::vector<float> z =
      noise(static_cast<std::size_t>(nfft_ / 2 * frames_ * outputs_ * 2), 2);
  const std::vector<float> waveform = noise(static_cast<std::size_t>(segment_ * outputs_), 3);
  std::vector<float> expected = inverse(z, 0.7F, 0.3F);
  std::vector<float> x(expected.size(), 1e9F);  // of which nothing may be left
  spectrogram.inverse(z, 0.7F, 0.3F, x);
  EXPECT_GE(signal_to_noise(x, expected), kDecibels);
  for (std::int64_t o = 0; o < outputs_; ++o) {
    for (std::int64_t i = 0; i < segment_; ++i) {
      expected[static_cast<std::size_t>(o * segment_ + i)] +=
          waveform[static_cast<std::size_t>(i * outputs_ + o)] * 0.25F - 2.0F;
    }
  }
  spectrogram.inverse(z, 0.7F, 0.3F, x, {waveform, 0.25F, -2.0F});
  EXPECT_GE(signal_to_noise(x, expected), kDecibels);
}

TEST_P(SpectrogramOf, HasTheSameBitsOnAnyThreads) {
  const std::vector<float> x = noise(static_cast<std::size_t>(channels_ * segment_), 1);
  const std::vector<float> masks =
      noise(static_cast<std::size_t>(nfft_ / 2 * frames_ * outputs_ * 2), 2);
  const std::vector<float> waveform = noise(static_cast<std::size_t>(segment_ * outputs_), 3);
  std::vector<std::vector<float>> results;
  for (const std::size_t threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    Spectrogram spectrogram(config_, static_cast<std::size_t>(outputs_), pool);
    std::vector<float> z(static_cast<std::size_t>(nfft_ / 2 * frames_ * channels_ * 2));
    const Moments moments = spectrogram.forward(x, z);
    std::vector<float>& all = results.emplace_back(static_cast<std::size_t>(outputs_ * segment_));
    spectrogram.inverse(masks, static_cast<float>(moments.deviation()),
                        static_cast<float>(moments.mean), all, {waveform, 0.5F, 0.125F});
    all.insert(all.end(), z.begin(), z.end());
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

// Whole tasks and a rest; one task; a hop that divides nothing; odd sizes; a segment that is too
// short to be reflected, and one of a sample.
INSTANTIATE_TEST_SUITE_P(Sizes, SpectrogramOf,
                         ::testing::Values(Case{64, 16 * 36, 2, 3}, Case{64, 997, 2, 2},
                                           Case{64, 100, 1, 1}, Case{18, 300, 2, 3},
                                           Case{23, 200, 1, 5}, Case{20, 401, 2, 1},
                                           Case{64, 9, 2, 2}, Case{16, 1, 1, 2}));

TEST(MomentsOf, AConstantHasNoDeviation) {
  const std::vector<float> values(1001, 0.3F);
  Moments moments = moments_of(values);
  moments.merge(moments_of({values.data(), 17}));
  EXPECT_EQ(moments.mean, static_cast<double>(0.3F));
  EXPECT_EQ(moments.deviation(), 0.0);
}

TEST(MomentsOf, ASmallDeviationOnALargeMeanIsKept) {
  std::vector<float> values(4096);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1000.0F + (i % 2 == 0 ? 0.5F : -0.5F);
  Moments moments;
  for (std::size_t i = 0; i < values.size(); i += 256) moments.merge(moments_of({&values[i], 256}));
  EXPECT_DOUBLE_EQ(moments.mean, 1000.0);
  EXPECT_NEAR(moments.squares, 1024.0, 1e-9);  // sums of doubles
}

}  // namespace
}  // namespace metalaudio::models
