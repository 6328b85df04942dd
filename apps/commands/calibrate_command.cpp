#include <fmt/format.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/dsp/gpu_calibration.h>
#include <metalaudio/nn/calibration.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <string>

#include "apps/commands/commands.h"
#include "apps/terminal/console.h"

namespace metalaudio::apps {

namespace {

/// Empty where there is no GPU; then the threshold stays as it was.
std::string measure_gpu(ToleranceConfiguration& measured) {
  const auto device = open_device(DeviceType::automatic);
  if (device->properties().type != DeviceType::cuda) return {};
  std::size_t& threshold = measured.gpu_cpu_threshold;
  threshold = dsp::measure_gpu_threshold(device);
  if (threshold == std::numeric_limits<std::size_t>::max()) return "no transform on the GPU\n";
  return fmt::format("transforms of more than {} points on the GPU\n", threshold);
}

}  // namespace

void add_calibrate_command(CLI::App& app, int& status) {
  CLI::App* const command = app.add_subcommand(
      "calibrate", "Measure which kernels are fastest on this machine, and remember it");
  const auto path = std::make_shared<std::filesystem::path>(ToleranceConfiguration::default_path());
  command->add_option("-o,--output", *path, "The file to write")
      ->type_name("FILE")
      ->capture_default_str();
  command->callback([path, &status] {
    ToleranceConfiguration measured = nn::calibrate();
    const std::string gpu = measure_gpu(measured);
    measured.save(*path);
    print_result(
        fmt::format("products row by row below {} rows\n"
                    "narrow convolutions in tiles above {} taps\n"
                    "vectors of output channels from {} channels\n"
                    "{}written to {}",
                    measured.linear_batch_threshold, measured.conv_tile_taps,
                    measured.conv_wide_channels, gpu, path->string()));
    status = 0;
  });
}

}  // namespace metalaudio::apps
