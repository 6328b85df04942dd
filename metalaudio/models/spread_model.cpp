#include <metalaudio/core/error.h>
#include <metalaudio/models/error_text.h>
#include <metalaudio/models/spread_model.h>

#include <algorithm>
#include <utility>

namespace metalaudio::models {

namespace {

/// Runs what uses a device; what the device could not do is told to `failed`.
template <typename Use, typename Failed>
bool try_on_device(Use use, Failed failed) {
  try {
    use();
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::backend_unavailable && error.code() != ErrorCode::out_of_memory)
      throw;
    failed(error.what());
    return false;
  }
}

}  // namespace

/// The batches of all devices, numbered in turn.
class SpreadModel::Batches final : public SegmentBatches {
 public:
  struct Lane {
    Device* device;
    std::unique_ptr<SegmentBatches> batches;
  };

  Batches(SpreadModel& model, std::vector<Lane> lanes) : model_(model), lanes_(std::move(lanes)) {
    for (const Lane& lane : lanes_) {
      capacity_ = std::min(capacity_, lane.batches->capacity());
      depth_ = std::min(depth_, lane.batches->batches());
    }
  }

  std::size_t capacity() const noexcept override { return capacity_; }
  std::size_t batches() const noexcept override { return depth_ * lanes_.size(); }

  std::span<float> mix(std::size_t batch, std::size_t segment) override {
    return lane_of(batch).batches->mix(batch / lanes_.size(), segment);
  }

  void start(std::size_t batch, std::size_t count) override {
    Lane& lane = lane_of(batch);
    if (lane.device->lost) return;
    try_on_device([&] { lane.batches->start(batch / lanes_.size(), count); },
                  [&](const char* reason) { model_.lose(*lane.device, reason); });
  }

  std::span<const float> stems(std::size_t batch, std::size_t segment) override {
    Lane& lane = lane_of(batch);
    std::span<const float> stems;
    if (!lane.device->lost &&
        try_on_device([&] { stems = lane.batches->stems(batch / lanes_.size(), segment); },
                      [&](const char* reason) { model_.lose(*lane.device, reason); })) {
      return stems;
    }
    const std::span<const float> input = mix(batch, segment);
    elsewhere_.resize(model_.sources().size() * input.size());
    model_.run(input, elsewhere_);
    return elsewhere_;
  }

 private:
  Lane& lane_of(std::size_t batch) { return lanes_[batch % lanes_.size()]; }

  SpreadModel& model_;
  std::vector<Lane> lanes_;
  std::size_t capacity_ = static_cast<std::size_t>(-1);
  std::size_t depth_ = static_cast<std::size_t>(-1);
  std::vector<float> elsewhere_;  ///< the stems of a segment whose device was lost
};

SpreadModel::SpreadModel(std::vector<Part> parts, MakeModel on_cpu, Notice notice)
    : make_on_cpu_(std::move(on_cpu)), notice_(std::move(notice)) {
  if (parts.empty()) fail(ErrorCode::invalid_argument, "[SpreadModel] no devices");
  for (Part& part : parts) devices_.push_back({std::move(part)});
}
SpreadModel::~SpreadModel() = default;

const std::vector<std::string>& SpreadModel::sources() const noexcept {
  return devices_.front().part.model->sources();
}
int SpreadModel::sample_rate_hz() const noexcept {
  return devices_.front().part.model->sample_rate_hz();
}
std::size_t SpreadModel::channels() const noexcept {
  return devices_.front().part.model->channels();
}
std::size_t SpreadModel::segment_samples() const noexcept {
  return devices_.front().part.model->segment_samples();
}
nn::PlanReport SpreadModel::report() const {
  return on_cpu_ ? on_cpu_->report() : devices_.front().part.model->report();
}

void SpreadModel::run(std::span<const float> mix, std::span<float> stems) {
  for (Device& device : devices_) {
    if (!device.lost && try_on_device([&] { device.part.model->run(mix, stems); },
                                      [&](const char* reason) { lose(device, reason); }))
      return;
  }
  on_cpu().run(mix, stems);
}

std::unique_ptr<SegmentBatches> SpreadModel::make_batches(std::size_t segments) {
  const auto left = static_cast<std::size_t>(
      std::ranges::count_if(devices_, [](const Device& device) { return !device.lost; }));
  std::vector<Batches::Lane> lanes;
  for (Device& device : devices_) {
    if (device.lost) continue;
    try_on_device(
        [&] {
          auto batches = device.part.model->make_batches((segments + left - 1) / left);
          if (batches) lanes.push_back({&device, std::move(batches)});
        },
        [&](const char* reason) { lose(device, reason); });
  }
  if (lanes.empty()) return nullptr;
  return std::make_unique<Batches>(*this, std::move(lanes));
}

void SpreadModel::lose(Device& device, const std::string& reason) {
  if (std::exchange(device.lost, true) || !notice_) return;
  const auto next = std::ranges::find_if(devices_, [](const Device& other) { return !other.lost; });
  notice_(fmt::format("{}: {}; going on on {}", device.part.device, without_operation(reason),
                      next == devices_.end() ? "the cpu" : next->part.device));
}

SegmentModel& SpreadModel::on_cpu() {
  if (!on_cpu_) on_cpu_ = make_on_cpu_();
  return *on_cpu_;
}

}  // namespace metalaudio::models
