#include "apps/commands/commands.h"

#include "apps/commands/models_command.h"
#include "apps/help/examples.h"
#include "apps/help/option_text.h"

namespace metalaudio::apps {

void add_commands(CLI::App& app, int& status) {
  app.formatter(help_formatter());
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
  add_script_commands(app, status);
  add_examples(app);
}

}  // namespace metalaudio::apps
