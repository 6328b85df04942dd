#include <fmt/ranges.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/stem_container.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace metalaudio::separation {
namespace {

struct Slot {
  const char* name;
  const char* color;
  const char* source;  ///< empty: all that no other slot takes
};
/// In the order and the colours that DJ programs are used to.
constexpr std::array<Slot, 4> kSlots{{{"Drums", "#009E73", "drums"},
                                      {"Bass", "#D55E00", "bass"},
                                      {"Other", "#CC79A7", ""},
                                      {"Vox", "#56B4E9", "vocals"}}};

bool has_slot_of_its_own(const std::string& source) {
  return std::ranges::any_of(kSlots, [&](const Slot& slot) { return source == slot.source; });
}

}  // namespace

StemPlan plan_stem_container(const std::vector<std::string>& sources) {
  StemPlan plan;
  plan.needs_mix = true;
  plan.needed_sources.resize(sources.size());
  std::iota(plan.needed_sources.begin(), plan.needed_sources.end(), 0U);
  plan.outputs.push_back({"mix", 1.0F, std::vector<float>(sources.size(), 0.0F)});
  for (const Slot& slot : kSlots) {
    StemOutput output{slot.name, 0.0F, std::vector<float>(sources.size(), 0.0F)};
    for (std::size_t i = 0; i < sources.size(); ++i)
      if (*slot.source == '\0' ? !has_slot_of_its_own(sources[i]) : sources[i] == slot.source)
        output.source_weights[i] = 1.0F;
    if (std::ranges::count(output.source_weights, 1.0F) == 0)
      fail(ErrorCode::unsupported,
           "a .stem.m4a holds drums, bass, vocals and what else there is; the model has {}",
           fmt::join(sources, ", "));
    plan.outputs.push_back(std::move(output));
  }
  return plan;
}

std::vector<audio::StemLabel> stem_labels(const StemPlan& plan) {
  std::vector<audio::StemLabel> labels;
  for (std::size_t i = 1; i < plan.outputs.size() && i <= kSlots.size(); ++i)
    labels.push_back({plan.outputs[i].name, kSlots[i - 1].color});
  return labels;
}

}  // namespace metalaudio::separation
