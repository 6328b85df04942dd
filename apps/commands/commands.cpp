#include "apps/commands/commands.h"

#include "apps/commands/models_command.h"

namespace metalaudio::apps {

void add_commands(CLI::App& app, int& status) {
  add_separate_command(app, status);
  add_evaluate_command(app, status);
  add_models_command(app, status);
  add_amp_command(app, status);
  add_convolve_command(app, status);
  add_filter_command(app, status);
  add_run_command(app, status);
  add_spectrogram_command(app, status);
  add_bench_command(app, status);
  add_calibrate_command(app, status);
  add_info_command(app, status);
}

}  // namespace metalaudio::apps
