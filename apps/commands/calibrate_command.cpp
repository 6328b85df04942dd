#include <fmt/format.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/tolerance_configuration.h>
#include <metalaudio/dsp/gpu_calibration.h>
#include <metalaudio/nn/calibration.h>
#include <metalaudio/nn/cuda_backend.h>

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
  return fmt::format("transforms of more than {} on the GPU\n", counted(threshold, "point"));
}

double giga(std::size_t mega) { return static_cast<double>(mega) * 1e-3; }

std::string rates_of_gpu(const ToleranceConfiguration& measured) {
  return fmt::format(
      "on the GPU {:.0f} GFLOP/s and {:.0f} GB/s, a step from {} ns, a recurrent layer's token {} "
      "ns, a copy from {} ns, {:.1f} GB/s\n",
      giga(measured.gpu_mflop_rate), giga(measured.gpu_mbyte_rate), measured.gpu_step_ns,
      measured.gpu_round_ns, measured.gpu_copy_ns, giga(measured.gpu_copy_mbyte_rate));
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
    const std::shared_ptr<const nn::Backend> gpu_backend = nn::find_cuda_backend();
    ToleranceConfiguration measured = nn::calibrate({}, gpu_backend);
    const std::string gpu = measure_gpu(measured);
    measured.save(*path);
    print_result(fmt::format(
        "products row by row below {}\n"
        "narrow convolutions in tiles above {}\n"
        "vectors of output channels from {}\n"
        "{:.1f} GFLOP/s and {:.1f} GB/s a thread\n"
        "{}{}written to {}",
        counted(measured.linear_batch_threshold, "row"), counted(measured.conv_tile_taps, "tap"),
        counted(measured.conv_wide_channels, "channel"), giga(measured.cpu_mflop_rate),
        giga(measured.cpu_mbyte_rate), gpu, gpu_backend ? rates_of_gpu(measured) : std::string(),
        path->string()));
    status = 0;
  });
}

}  // namespace metalaudio::apps
