#pragma once

#include <metalaudio/models/segment_model.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::models {

/// One network on several devices. Batches go to each in turn; a device that is lost or has no room
/// is left out from then on, with one line that says so, and what it owes is computed on the next of
/// the list, then on a spare one, in the end on the CPU.
/// Shapes:   as SegmentModel.
/// Errors:   the constructor throws Error{invalid_argument} without a part; run() and the batches
///           throw what the models do, but for Error{backend_unavailable, out_of_memory} of a part.
/// Threads:  one; notices come on it.
class SpreadModel final : public SegmentModel {
 public:
  struct Part {
    std::string device;  ///< "cuda:0"
    std::unique_ptr<SegmentModel> model = {};
  };
  using MakeModel = std::function<std::unique_ptr<SegmentModel>()>;
  /// Made when no device is left; Error{backend_unavailable, out_of_memory} leaves it out.
  struct Spare {
    std::string device;
    MakeModel make = {};
  };
  using Notice = std::function<void(const std::string& line)>;

  /// on_cpu is called when the CPU is needed; notice may be empty.
  SpreadModel(std::vector<Part> parts, std::vector<Spare> spares, MakeModel on_cpu, Notice notice);
  ~SpreadModel() override;

  const std::vector<std::string>& sources() const noexcept override;
  int sample_rate_hz() const noexcept override;
  std::size_t channels() const noexcept override;
  std::size_t segment_samples() const noexcept override;
  void run(std::span<const float> mix, std::span<float> stems) override;
  std::unique_ptr<SegmentBatches> make_batches(std::size_t segments) override;
  nn::PlanReport report() const override;

 private:
  class Batches;
  struct Device {
    Part part;
    bool lost = false;
  };

  void lose(Device& device, const std::string& reason);
  /// The first that is not lost, or a spare one; null for the CPU.
  Device* next_device();
  SegmentModel& on_cpu();

  std::deque<Device> devices_;  ///< batches refer to them
  std::deque<Spare> spares_;
  MakeModel make_on_cpu_;
  Notice notice_;
  std::unique_ptr<SegmentModel> on_cpu_;
};

}  // namespace metalaudio::models
