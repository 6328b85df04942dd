#include <metalaudio/repository/known_models.h>

#include <algorithm>

namespace metalaudio::repository {

namespace {

constexpr std::uint64_t kFineTunedBytes = 84'141'271;

KnownModel supported(std::string name, std::string summary, std::vector<KnownFile> files) {
  KnownModel model{std::move(name), std::move(summary), {}, std::move(files), {}};
  for (const KnownFile& file : model.files) {
    model.bag.models.push_back(file.name.substr(0, file.name.find('-')));
  }
  return model;
}

KnownModel unsupported(std::string name, std::string summary, std::string reason) {
  return {std::move(name), std::move(summary), {}, {}, std::move(reason)};
}

/// Four fine-tuned models, each of which gives the stem it was tuned for.
KnownModel fine_tuned() {
  KnownModel model = supported(
      "htdemucs_ft", "the four stems of htdemucs, one fine-tuned model for each (4 times slower)",
      {{"f7e0c4bc-ba3fe64a.th", kFineTunedBytes,
        "ba3fe64ae8ef66ac9a4857222ce48efbdc5eb3ad375cb79dd13debee5aaa4066"},
       {"d12395a8-e57c48e6.th", kFineTunedBytes,
        "e57c48e6b0e38af4f7118d7bd08c49f0a0c0edf7d09143bdd902ea0d237303e6"},
       {"92cfc3b6-ef3bcb9c.th", kFineTunedBytes,
        "ef3bcb9c8b40d14ae5d51b6db2587339cc12c6b77c0be151ce6d69002e087bf2"},
       {"04573f0d-f3cf25b2.th", kFineTunedBytes,
        "f3cf25b222c4eed7cd49dd8b2c9597d50c18bd154090f7b919cfa5f93cf22c49"}});
  model.bag.weights = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
  return model;
}

std::vector<KnownModel> make_known_models() {
  const char* const hybrid = "models of the class HDemucs are not supported yet";
  const char* const mixed = "models of the classes Demucs and HDemucs are not supported yet";
  const char* const quantised = "diffq-quantised models are not supported yet";
  return {
      supported("htdemucs", "drums, bass, other, vocals: the default",
                {{"955717e8-8726e21a.th", 84'141'911,
                  "8726e21a993978c7ba086d3872e7608d7d5bfca646ca4aca459ffda844faa8b4"}}),
      fine_tuned(),
      supported("htdemucs_6s", "drums, bass, other, vocals, guitar, piano",
                {{"5c90dfd2-34c22ccb.th", 54'996'327,
                  "34c22ccb381c6f9fdbf324f04e1e2fe21aaaf293f5ded163a162697ff9a02ddd"}}),
      unsupported("hdemucs_mmi", "Hybrid Demucs, retrained", hybrid),
      unsupported("mdx", "the bag of the MDX 2021 challenge, track A", mixed),
      unsupported("mdx_extra", "the bag of the MDX 2021 challenge, track B", mixed),
      unsupported("mdx_q", "mdx, quantised", quantised),
      unsupported("mdx_extra_q", "mdx_extra, quantised", quantised),
      unsupported("repro_mdx_a", "mdx, reproduced", mixed),
      unsupported("repro_mdx_a_hybrid_only", "the hybrid half of repro_mdx_a", hybrid),
      unsupported("repro_mdx_a_time_only", "the time half of repro_mdx_a",
                  "models of the class Demucs are not supported yet"),
  };
}

}  // namespace

std::span<const KnownModel> known_models() {
  static const std::vector<KnownModel> models = make_known_models();
  return models;
}

const KnownModel* find_known_model(const std::string& name) {
  const auto models = known_models();
  const auto found = std::ranges::find(models, name, &KnownModel::name);
  return found == models.end() ? nullptr : &*found;
}

const char* licence_note() noexcept {
  return "About the weights: their authors have called them \"not covered by the MIT license, and "
         "provided only for scientific purposes\" (github.com/facebookresearch/demucs, issues 327 "
         "and 508); a newer model card by the same author says MIT. MetalAudio does not ship them; "
         "it fetches them from the authors' own address. Whether your use is permitted is for you "
         "to judge.";
}

}  // namespace metalaudio::repository
