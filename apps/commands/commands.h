#pragma once

#include <CLI/CLI.hpp>

namespace metalaudio::apps {

/// Exit statuses: 0 done, 1 something failed, 2 the command line was wrong, 128 + N signal N.
constexpr int kFailed = 1;
constexpr int kSignalBase = 128;

/// Each adds one command, which sets `status` when it runs.
void add_separate_command(CLI::App& app, int& status);
void add_evaluate_command(CLI::App& app, int& status);
void add_amp_command(CLI::App& app, int& status);
void add_convolve_command(CLI::App& app, int& status);
void add_filter_command(CLI::App& app, int& status);
void add_run_command(CLI::App& app, int& status);
void add_spectrogram_command(CLI::App& app, int& status);
void add_bench_command(CLI::App& app, int& status);
void add_calibrate_command(CLI::App& app, int& status);
void add_info_command(CLI::App& app, int& status);

/// What completion and the build ask for; no help shows them.
void add_script_commands(CLI::App& app, int& status);

/// All of them, with their help.
void add_commands(CLI::App& app, int& status);

}  // namespace metalaudio::apps
