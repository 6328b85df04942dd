#include <metalaudio/core/error.h>
#include <metalaudio/models/load_model.h>
#include <metalaudio/separation/bag.h>

#include <utility>

namespace metalaudio::separation {

Separator load_separator(const BagFiles& bag, const std::vector<std::string>& stems,
                         const models::ModelOptions& options, ThreadPool& pool) {
  if (bag.models.empty()) fail(ErrorCode::invalid_argument, "[load_separator] no model");
  std::vector<std::vector<float>> weights(bag.models.size());
  for (std::size_t i = 0; i < bag.weights.size() && i < weights.size(); ++i)
    weights[i].assign(bag.weights[i].begin(), bag.weights[i].end());
  const models::ModelInfo first = models::inspect_model(bag.models.front());
  const std::vector<bool> needed = needed_members(weights, first.sources, stems);
  models::ModelOptions member_options = options;
  if (bag.segment_seconds) member_options.segment_seconds = bag.segment_seconds;
  std::vector<BagMember> members;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    BagMember member{nullptr, weights[i]};
    if (needed[i]) member.model = models::load_model(bag.models[i], member_options, pool);
    members.push_back(std::move(member));
  }
  return Separator(std::move(members), &pool);
}

}  // namespace metalaudio::separation
