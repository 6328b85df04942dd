#include "apps/options/model_option_flags.h"

#include "apps/options/option_values.h"

namespace metalaudio::apps {

CLI::Option* add_precision(CLI::App& command, models::Precision& precision) {
  return add_choice<models::Precision>(command, "--precision", precision,
                                       {{"fp32", models::Precision::fp32},
                                        {"tf32", models::Precision::tf32},
                                        {"fp16", models::Precision::fp16},
                                        {"bf16", models::Precision::bf16},
                                        {"auto", models::Precision::automatic}},
                                       "bf16 is rounded, not yet faster; auto: fp32 until it is");
}

CLI::Option* add_mode(CLI::App& command, models::Mode& mode) {
  return add_choice<models::Mode>(
      command, "--mode", mode,
      {{"full", models::Mode::full}, {"time-only", models::Mode::time_only}},
      "time-only runs the time branch alone: faster, less exact");
}

}  // namespace metalaudio::apps
