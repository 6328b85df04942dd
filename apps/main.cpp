#include <fmt/format.h>
#include <metalaudio/core/error.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "apps/commands.h"
#include "apps/failure_text.h"
#include "apps/interrupt.h"

namespace {

using namespace metalaudio;

constexpr int kUsageError = 2;

int report_failure(const std::string& message) {
  std::fprintf(stderr, "metalaudio: %s\n", apps::failure_text("", message).c_str());
  return apps::kFailed;
}

bool has_command(const CLI::App& app, const std::string& name) {
  return !app.get_subcommands([&](const CLI::App* command) { return command->check_name(name); })
              .empty();
}

/// CLI11 says only that a command is required where an unknown one was given.
int report_usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (argc < 2) {
    std::fputs(app.help().c_str(), stderr);
  } else if (argv[1][0] != '-' && !has_command(app, argv[1])) {
    report_failure(fmt::format("there is no command \"{}\"; see metalaudio --help", argv[1]));
  } else {
    report_failure(error.what());
  }
  return kUsageError;
}

int run(int argc, char** argv) {
  CLI::App app("Stems from music, neural inference and signal processing.", "metalaudio");
  app.set_version_flag("--version", "metalaudio " METALAUDIO_VERSION);
  app.require_subcommand(1);
  int status = 0;
  apps::add_commands(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return report_usage_error(app, error, argc, argv);
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  apps::install_signal_handlers();
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    const int signal = apps::interrupt_signal();
    if (error.code() == ErrorCode::cancelled && signal != 0) return apps::kSignalBase + signal;
    report_failure(error.what());
    return error.code() == ErrorCode::invalid_argument ? kUsageError : apps::kFailed;
  } catch (const std::exception& error) {
    return report_failure(error.what());
  }
}
