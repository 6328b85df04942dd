#pragma once

#include <string>
#include <vector>

#include "apps/help/completion.h"

namespace metalaudio::apps {

/// What is on the same command line and decides what a value may be.
struct ModelInLine {
  std::string model;
  std::string repo;
};

/// The values that an option of this value_name() may have. Words for a choice ("auto|fp32"), and
/// FILE, FOLDER, MODEL (installed, or a file), AMP, PUBLISHED, INSTALLED, DEVICE and STEM.
/// `text` is what there is of it, for lists ("STEM,...") with what they hold already.
Completion value_candidates(const std::string& kind, const std::string& text,
                            const ModelInLine& line);

}  // namespace metalaudio::apps
