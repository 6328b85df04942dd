#include <fmt/ranges.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/stem_plan.h>

#include <algorithm>

namespace metalaudio::separation {
namespace {

std::size_t index_of(const std::string& stem, const std::vector<std::string>& sources) {
  const auto found = std::find(sources.begin(), sources.end(), stem);
  if (found == sources.end())
    fail(ErrorCode::invalid_argument, "stem \"{}\" is not in the model; it has {}", stem,
         fmt::join(sources, ", "));
  return static_cast<std::size_t>(found - sources.begin());
}

StemOutput single(const std::vector<std::string>& sources, std::size_t index) {
  StemOutput output{sources[index], 0.0F, std::vector<float>(sources.size(), 0.0F)};
  output.source_weights[index] = 1.0F;
  return output;
}

/// Upstream's order and names: the remainder by subtraction, the stem, the sum of the others.
std::vector<StemOutput> two_stem_outputs(const StemChoice& choice,
                                         const std::vector<std::string>& sources) {
  const std::size_t index = index_of(choice.two_stems, sources);
  StemOutput stem = single(sources, index);
  StemOutput rest = stem;
  if (choice.method() == OtherMethod::none) return {stem};
  if (choice.method() == OtherMethod::minus) {
    rest.name = "minus_" + stem.name;
    rest.mix_weight = 1.0F;
    rest.source_weights[index] = -1.0F;
    return {rest, stem};
  }
  rest.name = "no_" + stem.name;
  for (float& weight : rest.source_weights) weight = 1.0F - weight;
  return {stem, rest};
}

std::vector<StemOutput> chosen_outputs(const StemChoice& choice,
                                       const std::vector<std::string>& sources) {
  std::vector<bool> wanted(sources.size(), choice.stems.empty());
  for (const std::string& stem : choice.stems) wanted[index_of(stem, sources)] = true;
  std::vector<StemOutput> outputs;
  for (std::size_t i = 0; i < sources.size(); ++i)
    if (wanted[i]) outputs.push_back(single(sources, i));
  return outputs;
}

}  // namespace

StemPlan plan_stems(const StemChoice& choice, const std::vector<std::string>& sources) {
  StemPlan plan;
  plan.outputs = choice.two_stems.empty() ? chosen_outputs(choice, sources)
                                          : two_stem_outputs(choice, sources);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto uses = [i](const StemOutput& o) { return o.source_weights[i] != 0.0F; };
    if (std::any_of(plan.outputs.begin(), plan.outputs.end(), uses))
      plan.needed_sources.push_back(i);
  }
  for (const StemOutput& output : plan.outputs) plan.needs_mix |= output.mix_weight != 0.0F;
  return plan;
}

}  // namespace metalaudio::separation
