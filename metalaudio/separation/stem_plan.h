#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace metalaudio::separation {

/// How "no_STEM" is made: not at all, as the sum of the other stems, or as the mix minus the stem.
enum class OtherMethod { none, add, minus };

/// What is asked for; at most one of the two lists is not empty.
struct StemChoice {
  std::vector<std::string> stems;  ///< write only these
  std::string two_stems;           ///< this one and its complement
  std::optional<OtherMethod> other_method;

  OtherMethod method() const { return other_method.value_or(OtherMethod::add); }
};

/// One file to write: a weighted sum of the mix and of the model's sources.
struct StemOutput {
  std::string name;
  float mix_weight = 0.0F;
  std::vector<float> source_weights;  ///< one for each source of the model
};

/// The files to write for one track, and which of the model's sources they are made from.
struct StemPlan {
  std::vector<StemOutput> outputs;
  std::vector<std::size_t> needed_sources;  ///< rising
  bool needs_mix = false;
};

/// Errors:   throws Error{invalid_argument} for a stem that the model does not have, with its
///           stems.
StemPlan plan_stems(const StemChoice& choice, const std::vector<std::string>& sources);

}  // namespace metalaudio::separation
