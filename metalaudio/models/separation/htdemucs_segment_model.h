#pragma once

#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/models/separation/segment_model.h>

#include <utility>

namespace metalaudio::models {

/// HTDemucs as a member of a Separator.
/// Threads:  as HTDemucs.
class HTDemucsSegmentModel final : public SegmentModel {
 public:
  explicit HTDemucsSegmentModel(HTDemucs model) : model_(std::move(model)) {}

  const std::vector<std::string>& sources() const noexcept override { return model_.sources(); }
  int sample_rate_hz() const noexcept override { return model_.sample_rate_hz(); }
  std::size_t channels() const noexcept override { return model_.channels(); }
  std::size_t segment_samples() const noexcept override { return model_.segment_samples(); }
  void run(std::span<const float> mix, std::span<float> stems) override { model_.run(mix, stems); }

 private:
  HTDemucs model_;
};

}  // namespace metalaudio::models
