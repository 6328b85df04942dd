#pragma once

#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/separation/stem_plan.h>

#include <string>
#include <vector>

namespace metalaudio::separation {

/// The outputs of a stem file for DJ programs (NI Stems): the mix, Drums, Bass, Other, Vox. What a
/// model has beside drums, bass and vocals, as guitar and piano, is in Other.
/// Errors:   throws Error{unsupported} for a model without these three, or without anything else.
StemPlan plan_stem_container(const std::vector<std::string>& sources);

/// How DJ programs show the outputs of such a plan, less the mix.
std::vector<audio::StemLabel> stem_labels(const StemPlan& plan);

}  // namespace metalaudio::separation
