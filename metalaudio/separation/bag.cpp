#include <metalaudio/core/error.h>
#include <metalaudio/separation/bag.h>

#include <utility>

namespace metalaudio::separation {

BagContents read_bag(const BagFiles& bag, const std::vector<std::string>& stems) {
  if (bag.models.empty()) fail(ErrorCode::invalid_argument, "[load_separator] no model");
  BagContents contents;
  contents.weights.resize(bag.models.size());
  for (std::size_t i = 0; i < bag.weights.size() && i < bag.models.size(); ++i)
    contents.weights[i].assign(bag.weights[i].begin(), bag.weights[i].end());
  const models::ModelInfo first = models::inspect_model(bag.models.front());
  const std::vector<bool> needed = needed_members(contents.weights, first.sources, stems);
  for (std::size_t i = 0; i < bag.models.size(); ++i) {
    contents.models.emplace_back();
    if (needed[i]) contents.models.back() = models::read_model(bag.models[i]);
  }
  contents.segment_seconds = bag.segment_seconds;
  return contents;
}

Separator load_separator(BagContents contents, const models::ModelOptions& options,
                         ThreadPool& pool) {
  models::ModelOptions member_options = options;
  if (contents.segment_seconds) member_options.segment_seconds = contents.segment_seconds;
  std::vector<BagMember> members;
  for (std::size_t i = 0; i < contents.models.size(); ++i) {
    BagMember member{nullptr, contents.weights[i]};
    if (contents.models[i])
      member.model = models::load_model(*contents.models[i], member_options, pool);
    contents.models[i].reset();
    members.push_back(std::move(member));
  }
  return Separator(std::move(members), &pool);
}

Separator load_separator(const BagFiles& bag, const std::vector<std::string>& stems,
                         const models::ModelOptions& options, ThreadPool& pool) {
  return load_separator(read_bag(bag, stems), options, pool);
}

}  // namespace metalaudio::separation
