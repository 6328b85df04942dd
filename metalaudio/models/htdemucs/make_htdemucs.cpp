#include <metalaudio/core/cuda_part.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/models/spread_model.h>

#include <utility>

namespace metalaudio::models {

namespace {

std::unique_ptr<SegmentModel> on_gpu(const HTDemucsConfig& config, const WeightsSource& weights,
                                     const ModelOptions& options,
                                     const std::shared_ptr<AudioDevice>& device, ThreadPool& pool) {
  using Make =
      void(const HTDemucsConfig&, const WeightsSource&, const ModelOptions&,
           const std::shared_ptr<AudioDevice>&, ThreadPool&, std::unique_ptr<SegmentModel>&);
  std::unique_ptr<SegmentModel> model;
  cuda_function_as<Make>("metalaudio_cuda_make_htdemucs")(config, weights, options, device, pool,
                                                          model);
  return model;
}

ModelOptions for_the_cpu(ModelOptions options) {
  options.devices.clear();
  return options;
}

}  // namespace

std::unique_ptr<SegmentModel> make_htdemucs(const HTDemucsConfig& given,
                                            const WeightsSource& weights,
                                            const ModelOptions& options, ThreadPool& pool) {
  if (options.devices.empty()) {
    return std::make_unique<HTDemucs>(given, weights(), options, pool);
  }
  HTDemucsConfig config = given;
  config.shorten(options.segment_seconds);
  ModelOptions for_gpus = options;
  if (options.precision == Precision::automatic) for_gpus.precision = Precision::fp16;
  std::vector<SpreadModel::Part> parts;
  for (const std::shared_ptr<AudioDevice>& device : options.devices) {
    if (device->properties().type != DeviceType::cuda) {
      fail(ErrorCode::invalid_argument, "[HTDemucs] a device that is no GPU: {}",
           device->properties().name);
    }
    parts.push_back({fmt::format("cuda:{}", device->properties().index),
                     on_gpu(config, weights, for_gpus, device, pool)});
  }
  std::vector<SpreadModel::Spare> spares;
  for (const int index : options.spare_gpus) {
    spares.push_back({fmt::format("cuda:{}", index), [config, weights, for_gpus, index, &pool] {
                        return on_gpu(config, weights, for_gpus,
                                      open_device(DeviceType::cuda, index), pool);
                      }});
  }
  ModelOptions behind = for_the_cpu(options);
  behind.precision = Precision::automatic;
  return std::make_unique<SpreadModel>(
      std::move(parts), std::move(spares),
      [config, weights, behind, &pool] {
        return std::make_unique<HTDemucs>(config, weights(), behind, pool);
      },
      options.notice);
}

HTDemucs random_htdemucs(const HTDemucsConfig& config, std::uint32_t seed,
                         const ModelOptions& options, ThreadPool& pool) {
  nn::RandomState random(seed);
  return {config, nn::Weights(random), options, pool};
}

std::unique_ptr<SegmentModel> make_random_htdemucs(const HTDemucsConfig& config, std::uint32_t seed,
                                                   const ModelOptions& options, ThreadPool& pool) {
  const auto random = std::make_shared<nn::RandomState>(seed);
  return make_htdemucs(
      config, [random] { return nn::Weights(*random); }, options, pool);
}

}  // namespace metalaudio::models
