#include <metalaudio/core/error.h>
#include <metalaudio/models/error_text.h>
#include <metalaudio/models/spread_model.h>

#include <algorithm>
#include <iterator>
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
    bool adds_up = false;
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
    on_device(lane, [&] { lane.batches->start(batch / lanes_.size(), count); });
  }

  std::span<const float> stems(std::size_t batch, std::size_t segment) override {
    Lane& lane = lane_of(batch);
    std::span<const float> stems;
    if (on_device(lane, [&] { stems = lane.batches->stems(batch / lanes_.size(), segment); }))
      return stems;
    const std::span<const float> input = mix(batch, segment);
    elsewhere_.resize(model_.sources().size() * input.size());
    model_.run(input, elsewhere_);
    return elsewhere_;
  }

  bool add_up(const SumRule& rule) override {
    bool some = false;
    for (Lane& lane : lanes_) {
      lane.adds_up = false;
      on_device(lane, [&] { lane.adds_up = lane.batches->add_up(rule); });
      some = some || lane.adds_up;
    }
    return some;
  }

  bool begin_sums(std::size_t batch, std::span<const SumPlace> places,
                  ConstAudioView sums) override {
    Lane& lane = lane_of(batch);
    bool begun = false;
    if (lane.adds_up)
      on_device(lane,
                [&] { begun = lane.batches->begin_sums(batch / lanes_.size(), places, sums); });
    return begun;
  }

  ConstAudioView sums(std::size_t batch, std::size_t segment) override {
    Lane& lane = lane_of(batch);
    ConstAudioView found;
    on_device(lane, [&] { found = lane.batches->sums(batch / lanes_.size(), segment); });
    return found;
  }

 private:
  Lane& lane_of(std::size_t batch) { return lanes_[batch % lanes_.size()]; }

  /// Whether it was done; not where the device is lost, or was by this.
  template <typename Use>
  bool on_device(Lane& lane, Use use) {
    return !lane.device->lost &&
           try_on_device(use, [&](const char* reason) { model_.lose(*lane.device, reason); });
  }

  SpreadModel& model_;
  std::vector<Lane> lanes_;
  std::size_t capacity_ = static_cast<std::size_t>(-1);
  std::size_t depth_ = static_cast<std::size_t>(-1);
  std::vector<float> elsewhere_;  ///< the stems of a segment whose device was lost
};

SpreadModel::SpreadModel(std::vector<Part> parts, std::vector<Spare> spares, MakeModel on_cpu,
                         Notice notice)
    : spares_(std::make_move_iterator(spares.begin()), std::make_move_iterator(spares.end())),
      make_on_cpu_(std::move(on_cpu)),
      notice_(std::move(notice)) {
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
  while (Device* const device = next_device()) {
    if (try_on_device([&] { device->part.model->run(mix, stems); },
                      [&](const char* reason) { lose(*device, reason); }))
      return;
  }
  on_cpu().run(mix, stems);
}

std::unique_ptr<SegmentBatches> SpreadModel::make_batches(std::size_t segments) {
  std::vector<Batches::Lane> lanes;
  // What is lost on the way may bring a spare one.
  while (lanes.empty() && next_device() != nullptr) {
    const auto left = static_cast<std::size_t>(
        std::ranges::count_if(devices_, [](const Device& device) { return !device.lost; }));
    bool tried = true;
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      Device& device = devices_[i];
      if (device.lost) continue;
      tried = try_on_device(
          [&] {
            auto batches = device.part.model->make_batches((segments + left - 1) / left);
            if (batches) lanes.push_back({&device, std::move(batches), false});
          },
          [&](const char* reason) { lose(device, reason); });
    }
    if (tried) break;
  }
  if (lanes.empty()) return nullptr;
  return std::make_unique<Batches>(*this, std::move(lanes));
}

void SpreadModel::lose(Device& device, const std::string& reason) {
  if (std::exchange(device.lost, true)) return;
  const Device* const next = next_device();
  if (!notice_) return;
  notice_(fmt::format("{}: {}; going on on {}", device.part.device, without_operation(reason),
                      next == nullptr ? "the cpu" : next->part.device));
}

SpreadModel::Device* SpreadModel::next_device() {
  const auto found =
      std::ranges::find_if(devices_, [](const Device& other) { return !other.lost; });
  if (found != devices_.end()) return &*found;
  while (!spares_.empty()) {
    const Spare spare = std::move(spares_.front());
    spares_.pop_front();
    std::unique_ptr<SegmentModel> model;
    if (try_on_device([&] { model = spare.make(); }, [](const char*) {}))
      return &devices_.emplace_back(Part{spare.device, std::move(model)});
  }
  return nullptr;
}

SegmentModel& SpreadModel::on_cpu() {
  if (!on_cpu_) on_cpu_ = make_on_cpu_();
  return *on_cpu_;
}

}  // namespace metalaudio::models
