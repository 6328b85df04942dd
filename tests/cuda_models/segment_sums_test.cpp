#include <gtest/gtest.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/htdemucs/cuda/segment_sums.h>
#include <metalaudio/models/htdemucs/htdemucs.h>

#include <algorithm>
#include <random>
#include <vector>

namespace metalaudio::models {
namespace {

std::vector<float> noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = 0.2F * normal(random);
  return values;
}

std::vector<float> triangle(std::size_t size) {
  std::vector<float> heights(size);
  for (std::size_t i = 0; i < size; ++i)
    heights[i] =
        static_cast<float>(std::min(i + 1, size - i)) / static_cast<float>(size - size / 2);
  return heights;
}

/// What SumRule says, sample for sample, over the whole length.
class PlainSums {
 public:
  PlainSums(const SumRule& rule, std::size_t frames, std::size_t segment)
      : rule_(rule), segment_(segment), sums_(rule.rows.size(), frames) {}

  void add(const SumPlace& place, std::span<const float> stems) {
    const auto size = static_cast<std::int64_t>(rule_.heights.size());
    const auto stride = static_cast<std::int64_t>(rule_.stride);
    for (std::size_t i = 0; i < place.frames; ++i) {
      const std::int64_t frame = place.first + static_cast<std::int64_t>(i);
      if (frame < 0) continue;
      float sum = 0.0F;
      for (std::int64_t back = place.earlier; back >= -((size - 1) / stride); --back) {
        const std::int64_t other = static_cast<std::int64_t>(i) + back * stride;
        if (other >= 0 && other < size) sum += rule_.heights[static_cast<std::size_t>(other)];
      }
      const float weight = rule_.heights[i] / sum;
      for (std::size_t row = 0; row < rule_.rows.size(); ++row)
        sums_.channel(row)[static_cast<std::size_t>(frame)] +=
            rule_.rows[row].gain *
            (weight * stems[rule_.rows[row].output * segment_ + place.before + i]);
    }
  }

  std::span<const float> read(std::size_t row, std::int64_t first, std::size_t frames) const {
    return sums_.channel(row).subspan(static_cast<std::size_t>(first), frames);
  }

 private:
  SumRule rule_;
  std::size_t segment_;
  AudioBuffer sums_;
};

/// Segments of one lane, as a plan places them.
std::vector<SumPlace> places_of(std::int64_t begin, std::int64_t end, std::size_t window,
                                std::size_t stride) {
  std::vector<SumPlace> places;
  for (std::int64_t first = begin; first < end; first += static_cast<std::int64_t>(stride)) {
    const std::size_t frames = std::min(window, static_cast<std::size_t>(end - first));
    const auto reach = static_cast<std::int64_t>((window - 1) / stride);
    places.push_back({std::max<std::int64_t>(first, 0), first, (window - frames) / 2, frames,
                      std::min(static_cast<std::int64_t>(places.size()), reach)});
  }
  return places;
}

void expect_equal(ConstAudioView found, const PlainSums& expected, std::int64_t origin) {
  for (std::size_t row = 0; row < found.channels(); ++row)
    ASSERT_TRUE(std::ranges::equal(found.channel(row), expected.read(row, origin, found.frames())))
        << "row " << row << " from " << origin;
}

TEST(CudaSegmentSums, HaveTheBitsOfPlainSums) {
  constexpr std::size_t kSegment = 1000;
  constexpr std::size_t kOutputs = 5;
  constexpr std::size_t kWindow = 900;  // shorter than the network's segments
  constexpr std::size_t kBatch = 4;
  constexpr std::int64_t kFrames = 7001;
  const auto device = open_device(DeviceType::cuda);
  const cuda::Stream stream(device->properties().index, true);
  const std::vector<float> heights = triangle(kWindow);
  for (const std::size_t stride : {900U, 675U, 200U}) {
    SCOPED_TRACE(stride);
    const SumRule rule{{{3, 0.3F}, {0, 1.0F}, {4, 0.7F}}, heights, stride};
    cuda::SegmentSums sums(rule, kSegment, kOutputs, device, stream.get());
    PlainSums expected(rule, kFrames, kSegment);
    const std::vector<SumPlace> places = places_of(-123, kFrames, kWindow, stride);
    AudioBuffer carried(3, 0);
    for (std::size_t first = 0; first < places.size(); first += kBatch) {
      const auto batch = std::span(places).subspan(first, std::min(kBatch, places.size() - first));
      const std::vector<float> stems =
          noise(batch.size() * kOutputs * kSegment, static_cast<unsigned>(first));
      Buffer on_device(stems.size() * sizeof(float), device);
      device->upload(on_device.handle(), 0, stems.data(), on_device.bytes());
      const auto* const address = static_cast<const float*>(on_device.handle());
      sums.begin(batch, carried);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        while (sums.in_line() < std::min(batch.size(), i + 1 + cuda::SegmentSums::kAhead))
          sums.put(address + sums.in_line() * kOutputs * kSegment);
        const ConstAudioView found = sums.wait(i);
        expected.add(batch[i], std::span(stems).subspan(i * kOutputs * kSegment));
        const bool last = i + 1 == batch.size();
        ASSERT_EQ(found.frames() + static_cast<std::size_t>(batch[i].origin),
                  static_cast<std::size_t>(last ? batch[i].first +
                                                      static_cast<std::int64_t>(batch[i].frames)
                                                : batch[i + 1].origin));
        expect_equal(found, expected, batch[i].origin);
        if (!last || first + kBatch >= places.size()) continue;
        const auto moved =
            static_cast<std::size_t>(places[first + kBatch].origin - batch[i].origin);
        carried = found.frames() > moved ? AudioBuffer(found.part(moved, found.frames() - moved))
                                         : AudioBuffer(3, 0);
      }
    }
  }
}

TEST(CudaSegmentSums, RefuseWhatTheyHaveNoRoomFor) {
  const auto device = open_device(DeviceType::cuda);
  const cuda::Stream stream(device->properties().index, true);
  const std::vector<float> heights = triangle(100);
  const SumRule rule{{{0, 1.0F}}, heights, 75};
  cuda::SegmentSums sums(rule, 100, 2, device, stream.get());
  const SumPlace far[] = {{0, 1, 0, 100, 0}};
  EXPECT_THROW(sums.begin(far, AudioBuffer(1, 0)), Error);
  const SumPlace near[] = {{0, 0, 0, 100, 0}};
  EXPECT_THROW(sums.begin(near, AudioBuffer(2, 0)), Error);
  EXPECT_THROW(sums.begin(near, AudioBuffer(1, 101)), Error);
  EXPECT_FALSE(sums.set({{{0, 1.0F}, {1, 1.0F}}, heights, 75}));
  EXPECT_THROW(cuda::SegmentSums({{{2, 1.0F}}, heights, 75}, 100, 2, device, stream.get()), Error);
}

/// In batches of two, two of them underway, beside the stems of the same network.
TEST(CudaHTDemucs, AddsSegmentsUp) {
  ThreadPool pool(16);
  HTDemucsConfig config = HTDemucsConfig::htdemucs();
  config.set_segment_seconds(2);
  ModelOptions options;
  options.devices = {open_device(DeviceType::cuda)};
  options.batch = 2;
  options.notice = [](const std::string& line) { ADD_FAILURE() << line; };
  const auto model = make_random_htdemucs(config, 1, options, pool);
  const std::size_t length = model->segment_samples();
  const std::size_t stride = length / 4 * 3;
  constexpr std::size_t kSegments = 6;
  const auto frames = static_cast<std::int64_t>(length + 4 * stride - 1000);
  const std::vector<SumPlace> places = places_of(-500, frames, length, stride);
  ASSERT_EQ(places.size(), kSegments);
  const std::vector<float> heights = triangle(length);
  const SumRule rule{{{0, 1.0F}, {1, 1.0F}, {6, 0.5F}, {7, 0.5F}}, heights, stride};

  std::vector<std::vector<float>> mixes;
  PlainSums expected(rule, static_cast<std::size_t>(frames), length);
  for (unsigned s = 0; s < kSegments; ++s) {
    mixes.push_back(noise(2 * length, s));
    std::vector<float> stems(8 * length);
    model->run(mixes.back(), stems);
    expected.add(places[s], stems);
  }
  const auto batches = model->make_batches(kSegments);
  ASSERT_TRUE(batches->add_up(rule));
  const auto start = [&](std::size_t first) {
    const std::size_t count = std::min<std::size_t>(2, kSegments - first);
    for (std::size_t i = 0; i < count; ++i)
      std::ranges::copy(mixes[first + i], batches->mix(first / 2 % 2, i).begin());
    batches->start(first / 2 % 2, count);
  };
  start(0);
  start(2);
  AudioBuffer carried(4, 0);
  for (std::size_t first = 0; first < kSegments; first += 2) {
    const auto batch =
        std::span(places).subspan(first, std::min<std::size_t>(2, kSegments - first));
    ASSERT_TRUE(batches->begin_sums(first / 2 % 2, batch, carried));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const ConstAudioView found = batches->sums(first / 2 % 2, i);
      ASSERT_EQ(found.channels(), 4U);
      // expected holds what later segments add as well.
      const bool last_of_all = first + i + 1 == kSegments;
      const std::size_t complete =
          last_of_all ? found.frames()
                      : static_cast<std::size_t>(places[first + i + 1].origin - batch[i].origin);
      expect_equal(found.part(0, complete), expected, batch[i].origin);
      if (i + 1 == batch.size() && !last_of_all)
        carried = AudioBuffer(found.part(complete, found.frames() - complete));
    }
    if (first == 0) start(4);
  }
}

}  // namespace
}  // namespace metalaudio::models
