#include <fmt/format.h>
#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/nn/calibration.h>

#include <filesystem>
#include <memory>

#include "apps/commands/commands.h"
#include "apps/terminal/console.h"

namespace metalaudio::apps {

void add_calibrate_command(CLI::App& app, int& status) {
  CLI::App* const command = app.add_subcommand(
      "calibrate", "Measure which kernels are fastest on this machine, and remember it");
  const auto path = std::make_shared<std::filesystem::path>(ToleranceConfiguration::default_path());
  command->add_option("-o,--output", *path, "The file to write")->capture_default_str();
  command->callback([path, &status] {
    const ToleranceConfiguration measured = nn::calibrate();
    measured.save(*path);
    print_result(
        fmt::format("products row by row below {} rows\n"
                    "narrow convolutions in tiles above {} taps\n"
                    "vectors of output channels from {} channels\n"
                    "written to {}",
                    measured.linear_batch_threshold, measured.conv_tile_taps,
                    measured.conv_wide_channels, path->string()));
    status = 0;
  });
}

}  // namespace metalaudio::apps
