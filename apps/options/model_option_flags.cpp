#include "apps/options/model_option_flags.h"

#include <metalaudio/core/error.h>

#include "apps/options/option_values.h"

namespace metalaudio::apps {

CLI::Option* add_device(CLI::App& command, std::string& device) {
  return command
      .add_option(
          "-d,--device", device,
          "Where to compute: cpu, cuda, cuda:1, several GPUs as in cuda:0,cuda:1, or auto: a "
          "GPU where one answers")
      ->type_name("DEVICE")
      ->default_str(device);
}

void check_device(const std::string& device) {
  if (models::names_devices(device)) return;
  // Upstream takes whatever PyTorch does.
  if (device.starts_with("mps"))
    fail(ErrorCode::backend_unavailable,
         "--device {}: this program computes on the cpu and on cuda devices", device);
  fail(ErrorCode::invalid_argument,
       "--device {}: expected auto, cpu, cuda, cuda:1 or a list as in cuda:0,cuda:1", device);
}

CLI::Option* add_precision(CLI::App& command, models::Precision& precision) {
  return add_choice<models::Precision>(
      command, "--precision", precision,
      {{"fp32", models::Precision::fp32},
       {"tf32", models::Precision::tf32},
       {"fp16", models::Precision::fp16},
       {"bf16", models::Precision::bf16},
       {"auto", models::Precision::automatic}},
      "auto: fp16 on a GPU; on the cpu what keeps 60 dB to fp32 fastest: factors of two "
      "bf16 where it has AMX, else fp32. bf16 is fp32 on a cpu that multiplies it no faster");
}

void check_precision(models::Precision precision, const models::OpenDevices& devices) {
  if (!devices.gpus.empty()) return;
  if (precision != models::Precision::fp16 && precision != models::Precision::tf32) return;
  fail(ErrorCode::invalid_argument, "--precision {}: the cpu takes fp32, bf16 or auto{}{}",
       to_string(precision), devices.no_gpu.empty() ? "" : "; no GPU: ", devices.no_gpu);
}

CLI::Option* add_mode(CLI::App& command, models::Mode& mode) {
  return add_choice<models::Mode>(
      command, "--mode", mode,
      {{"full", models::Mode::full}, {"time-only", models::Mode::time_only}},
      "time-only runs the time branch alone: faster, less exact");
}

}  // namespace metalaudio::apps
