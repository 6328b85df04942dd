#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/models/load_model.h>
#include <metalaudio/models/open_devices.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <thread>
#include <vector>

#include "signal_to_noise.h"
#include "tests/support/test_paths.h"

namespace metalaudio::models {
namespace {

/// Against PyTorch or our own CPU in float32, for each stem: strict float32 differs in the order of
/// sums alone; tf32 has 11 bits, fp16 11 in the values between layers too, bf16 8.
double bound(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return 110;
    case Precision::tf32:
      return 55;
    case Precision::fp16:
      return 50;
    default:
      return 33;
  }
}

std::vector<float> noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = 0.2F * normal(random);
  return values;
}

/// A test that goes on on the CPU would prove nothing.
ModelOptions on_gpu(Precision precision, std::size_t batch = 0) {
  ModelOptions options;
  options.precision = precision;
  options.devices = open_devices("cuda").gpus;
  options.batch = batch;
  options.notice = [](const std::string& line) { ADD_FAILURE() << line; };
  return options;
}

/// Programs are carried to a GPU machine and run in a copy of the source folder.
std::filesystem::path goldens() {
  const std::filesystem::path folder = golden_dir() / "htdemucs";
  return std::filesystem::exists(folder) ? folder : "tests/golden/htdemucs";
}

void expect_like(std::span<const float> stems, std::span<const float> expected, std::size_t sources,
                 double decibels) {
  ASSERT_EQ(stems.size(), expected.size());
  const std::size_t size = expected.size() / sources;
  for (std::size_t s = 0; s < sources; ++s)
    EXPECT_GE(signal_to_noise(stems.subspan(s * size, size), expected.subspan(s * size, size)),
              decibels)
        << "source " << s;
}

std::vector<float> run(SegmentModel& model, const std::vector<float>& mix) {
  std::vector<float> stems(model.sources().size() * mix.size());
  model.run(mix, stems);
  return stems;
}

class CudaHTDemucsGolden : public testing::TestWithParam<const char*> {};

TEST_P(CudaHTDemucsGolden, AgreesWithUpstreamInEveryPrecision) {
  const std::filesystem::path folder = goldens();
  const std::string name = GetParam();
  const auto golden = nn::load_state(folder / (name + ".golden.safetensors")).state;
  const std::span<const float> mix = golden.at("mix").values();
  ThreadPool pool(2);
  for (const Precision precision :
       {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16}) {
    SCOPED_TRACE(nn::to_string(precision));
    const auto model = load_model(folder / (name + ".model.safetensors"), on_gpu(precision), pool);
    const std::vector<float> stems = run(*model, {mix.begin(), mix.end()});
    expect_like(stems, golden.at("output").values(), model->sources().size(), bound(precision));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, CudaHTDemucsGolden,
                         testing::Values("htdemucs", "htdemucs_6s", "code_defaults",
                                         "no_transformer", "five_levels_merged", "five_levels_open",
                                         "merged_early", "mono_one_source", "transformer_post_norm",
                                         "transformer_group_norm", "transformer_no_norms",
                                         "transformer_scaled_embedding", "transformer_cape"),
                         [](const auto& test) { return std::string(test.param); });

HTDemucsConfig full_size(bool six) {
  return six ? HTDemucsConfig::htdemucs_6s() : HTDemucsConfig::htdemucs();
}

class CudaHTDemucsFullSize : public testing::TestWithParam<bool> {};

TEST_P(CudaHTDemucsFullSize, AgreesWithTheCpuInEveryPrecision) {
  ThreadPool pool(16);
  const HTDemucsConfig config = full_size(GetParam());
  const auto cpu = make_random_htdemucs(config, 1, {}, pool);
  const std::vector<float> mix = noise(cpu->channels() * cpu->segment_samples(), 2);
  const std::vector<float> expected = run(*cpu, mix);
  for (const Precision precision :
       {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16}) {
    SCOPED_TRACE(nn::to_string(precision));
    const auto gpu = make_random_htdemucs(config, 1, on_gpu(precision), pool);
    expect_like(run(*gpu, mix), expected, config.sources.size(), bound(precision));
  }
}

/// Batches of any size, two underway, the last one short: each segment's bits are its own in float32.
/// In 16 bits a DConv shares its rows by how many there are, and the moments that it sums in another
/// order round the values behind them differently: by less than the precision errs itself (63 dB).
TEST_P(CudaHTDemucsFullSize, ASegmentIsTheSameInAnyBatch) {
  ThreadPool pool(16);
  const HTDemucsConfig config = full_size(GetParam());
  constexpr std::size_t kSegments = 7;
  for (const Precision precision : {Precision::fp32, Precision::fp16}) {
    SCOPED_TRACE(nn::to_string(precision));
    const auto one = make_random_htdemucs(config, 1, on_gpu(precision), pool);
    const std::size_t size = one->channels() * one->segment_samples();
    std::vector<std::vector<float>> expected;
    for (unsigned s = 0; s < kSegments; ++s) expected.push_back(run(*one, noise(size, s)));
    for (const std::size_t capacity : {1U, 2U, 3U, 4U}) {
      const auto model = make_random_htdemucs(config, 1, on_gpu(precision, capacity), pool);
      const auto batches = model->make_batches(kSegments);
      ASSERT_EQ(batches->capacity(), capacity);
      ASSERT_EQ(batches->batches(), 2U);
      std::size_t started = 0;
      const auto start = [&](std::size_t batch) {
        const std::size_t count = std::min(capacity, kSegments - started);
        for (std::size_t i = 0; i < count; ++i)
          std::ranges::copy(noise(size, static_cast<unsigned>(started + i)),
                            batches->mix(batch, i).begin());
        if (count > 0) batches->start(batch, count);
        started += count;
      };
      start(0);
      start(1);
      for (std::size_t s = 0; s < kSegments; ++s) {
        const std::size_t batch = s / capacity % 2;
        SCOPED_TRACE(fmt::format("segment {} in batches of {}", s, capacity));
        const std::span<const float> stems = batches->stems(batch, s % capacity);
        if (precision == Precision::fp32) {
          EXPECT_TRUE(std::ranges::equal(stems, expected[s]));
        } else {
          EXPECT_GE(signal_to_noise(stems, expected[s]), 60.0);
        }
        if (s % capacity == capacity - 1) start(batch);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Stems, CudaHTDemucsFullSize, testing::Bool(),
                         [](const auto& test) { return std::string(test.param ? "Six" : "Four"); });

TEST(CudaHTDemucs, TimeOnlyRunsTheTimeBranch) {
  ThreadPool pool(16);
  ModelOptions on_cpu;
  on_cpu.mode = Mode::time_only;
  const HTDemucsConfig config = full_size(false);
  const auto cpu = make_random_htdemucs(config, 1, on_cpu, pool);
  ModelOptions options = on_gpu(Precision::fp32);
  options.mode = Mode::time_only;
  const auto gpu = make_random_htdemucs(config, 1, options, pool);
  const std::vector<float> mix = noise(cpu->channels() * cpu->segment_samples(), 2);
  expect_like(run(*gpu, mix), run(*cpu, mix), config.sources.size(), bound(Precision::fp32));
}

/// A spectrogram that its kernels do not take: the layers run there, the frames on the CPU.
TEST(CudaHTDemucs, LeavesOddSpectrogramsToTheCpuAndSaysSo) {
  ThreadPool pool(4);
  HTDemucsConfig config = full_size(false);
  config.nfft = 16384;
  config.set_segment_seconds(2);
  const auto cpu = make_random_htdemucs(config, 1, {}, pool);
  std::vector<std::string> notices;
  ModelOptions options = on_gpu(Precision::fp32);
  options.notice = [&](const std::string& line) { notices.push_back(line); };
  const auto gpu = make_random_htdemucs(config, 1, options, pool);
  const std::vector<float> mix = noise(cpu->channels() * cpu->segment_samples(), 2);
  expect_like(run(*gpu, mix), run(*cpu, mix), config.sources.size(), bound(Precision::fp32));
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_NE(notices[0].find("16384"), std::string::npos);
}

TEST(CudaHTDemucs, TakesFewerSegmentsWhereMemoryIsShort) {
  ThreadPool pool(16);
  const HTDemucsConfig config = full_size(false);
  const auto device = open_device(DeviceType::cuda);
  std::vector<Buffer> hogs;
  std::size_t size = device->properties().memory_bytes / 2;
  const std::size_t left = std::size_t{3} << 30U;
  // All but about 3 GiB, in pieces that get smaller.
  for (; size >= (std::size_t{64} << 20U); size /= 2) {
    try {
      while (true) hogs.emplace_back(size, device);
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::out_of_memory);
    }
  }
  for (std::size_t freed = 0; freed < left && !hogs.empty(); hogs.pop_back())
    freed += hogs.back().bytes();
  const auto model = make_random_htdemucs(config, 1, on_gpu(Precision::fp32, 64), pool);
  const auto batches = model->make_batches(100);
  ASSERT_NE(batches, nullptr);
  EXPECT_LT(batches->capacity(), 64U);
  const std::vector<float> mix = noise(model->channels() * model->segment_samples(), 2);
  std::ranges::copy(mix, batches->mix(0, 0).begin());
  batches->start(0, 1);
  const std::span<const float> stems = batches->stems(0, 0);
  const std::vector<float> found(stems.begin(), stems.end());
  hogs.clear();
  const auto one = make_random_htdemucs(config, 1, on_gpu(Precision::fp32), pool);
  EXPECT_EQ(found, run(*one, mix));
}

/// What a job of its own gives, and what it gives while others are made and run beside it: each with
/// the devices of `separate --jobs`, or all with one device, whose stream they share.
class CudaJobs : public testing::TestWithParam<bool> {};

TEST_P(CudaJobs, DoNotDisturbEachOther) {
  constexpr std::size_t kJobs = 3;
  const HTDemucsConfig config = full_size(true);
  const OpenDevices open = open_devices("cuda");
  const auto mix_of = [&](std::size_t job) {
    return noise(2 * static_cast<std::size_t>(config.segment_samples()),
                 static_cast<unsigned>(job));
  };
  const auto options_of = [&](std::size_t job) {
    ModelOptions options = on_gpu(Precision::fp16, 2);
    options.devices = GetParam() ? open.gpus : devices_of_job(open, job, kJobs);
    return options;
  };
  std::vector<std::vector<float>> expected;
  for (std::size_t job = 0; job < kJobs; ++job) {
    ThreadPool pool(4);
    const auto model =
        make_random_htdemucs(config, static_cast<unsigned>(job), options_of(job), pool);
    expected.push_back(run(*model, mix_of(job)));
  }
  std::vector<std::thread> threads;
  std::atomic<std::size_t> wrong = 0;
  for (std::size_t job = 0; job < kJobs; ++job) {
    threads.emplace_back([&, job] {
      ThreadPool pool(4);
      const std::vector<float> mix = mix_of(job);
      for (int round = 0; round < 3; ++round) {
        const auto model =
            make_random_htdemucs(config, static_cast<unsigned>(job), options_of(job), pool);
        for (int i = 0; i < 20; ++i) wrong += run(*model, mix) == expected[job] ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
}

INSTANTIATE_TEST_SUITE_P(Streams, CudaJobs, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "Shared" : "OfTheirOwn");
});

TEST(CudaJobsDevices, HaveStreamsOfTheirOwn) {
  const OpenDevices open = open_devices("cuda");
  EXPECT_EQ(devices_of_job(open, 0, 1), open.gpus);
  for (std::size_t job = 0; job < 4; ++job) {
    const auto devices = devices_of_job(open, job, 4);
    ASSERT_EQ(devices.size(), 1U);
    EXPECT_EQ(devices[0]->properties().index, 0);
    EXPECT_TRUE(spares_of_job(open, job, 4).empty());
    if (job == 0) continue;
    // A job's stream is its own while the others run.
    EXPECT_NE(devices[0]->stream(), open.gpus[0]->stream());
  }
  if (list_devices().size() < 3) return;
  const OpenDevices two = open_devices("cuda:0,cuda:1");
  EXPECT_EQ(devices_of_job(two, 1, 4)[0], two.gpus[1]);
  EXPECT_EQ(devices_of_job(two, 3, 4)[0]->properties().index, 1);
  EXPECT_EQ(spares_of_job(two, 1, 4), std::vector<int>{0});
  EXPECT_TRUE(spares_of_job(two, 0, 1).empty());
}

/// Where there are two; in float32, where a segment's bits do not depend on its batch.
TEST(CudaHTDemucs, TwoGpusGiveTheSamplesOfOne) {
  if (list_devices().size() < 3) return;
  ThreadPool pool(16);
  const HTDemucsConfig config = full_size(false);
  ModelOptions options = on_gpu(Precision::fp32, 2);
  const auto one = make_random_htdemucs(config, 1, options, pool);
  options.devices = open_devices("cuda:0,cuda:1").gpus;
  const auto two = make_random_htdemucs(config, 1, options, pool);
  const auto batches = two->make_batches(8);
  ASSERT_EQ(batches->batches(), 4U);
  const std::size_t size = one->channels() * one->segment_samples();
  for (std::size_t batch = 0; batch < 4; ++batch) {
    for (std::size_t i = 0; i < 2; ++i)
      std::ranges::copy(noise(size, static_cast<unsigned>(2 * batch + i)),
                        batches->mix(batch, i).begin());
    batches->start(batch, 2);
  }
  for (unsigned s = 0; s < 8; ++s)
    EXPECT_TRUE(std::ranges::equal(batches->stems(s / 2, s % 2), run(*one, noise(size, s))));
}

}  // namespace
}  // namespace metalaudio::models
