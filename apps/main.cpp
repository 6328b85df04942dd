#include <malloc.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/instruction_sets.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>

#include "apps/commands/commands.h"
#include "apps/commands/versions.h"
#include "apps/options/arguments.h"
#include "apps/terminal/failure_text.h"
#include "apps/terminal/interrupt.h"
#include "apps/terminal/standard_streams.h"

namespace {

using namespace metalaudio;

constexpr int kUsageError = 2;

int report_failure(const std::string& message) {
  std::fprintf(stderr, "metalaudio: %s\n", apps::failure_text("", message).c_str());
  return apps::kFailed;
}

int run(int argc, char** argv) {
  CLI::App app("Stems from music, neural inference and signal processing.", "metalaudio");
  app.set_version_flag("--version", apps::version_text,
                       "Print the version, the commit, the libraries");
  app.require_subcommand(1);
  limit_instruction_sets_by_environment();
  int status = 0;
  apps::add_commands(app, status);
  try {
    apps::parse_arguments(app, {argv + std::min(argc, 1), argv + argc});
  } catch (const CLI::Success& help) {
    const int status_of_help = app.exit(help);
    if (!std::cout.flush()) fail(ErrorCode::io, "standard output: {}", std::strerror(errno));
    return status_of_help;
  } catch (const CLI::ParseError& error) {
    if (argc < 2)
      std::fputs(app.help().c_str(), stderr);
    else
      report_failure(error.what());
    return kUsageError;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
#if defined(__GLIBC__)
  // Large blocks get pages of their own, which go back to the system with them; in the heap, what
  // networks pack while they are made would pin them.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 18);
#endif
  apps::hold_standard_streams();
  apps::install_signal_handlers();
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    const int signal = apps::interrupt_signal();
    if (error.code() == ErrorCode::cancelled && signal != 0) return apps::kSignalBase + signal;
    report_failure(error.what());
    return error.code() == ErrorCode::invalid_argument ? kUsageError : apps::kFailed;
  } catch (const std::exception& error) {
    return report_failure(apps::reason_of(error));
  }
}
