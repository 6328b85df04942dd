#include "tests/realtime/streams.h"

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/realtime/swappable.h>
#include <metalaudio/dsp/biquad_cascade.h>
#include <metalaudio/dsp/biquad_filter.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/dsp/filter_bands.h>
#include <metalaudio/dsp/filter_bank.h>
#include <metalaudio/dsp/oversampler.h>
#include <metalaudio/dsp/rate_adapter.h>
#include <metalaudio/dsp/state_variable_filter.h>
#include <metalaudio/dsp/stft_stream.h>
#include <metalaudio/dsp/stream_resampler.h>
#include <metalaudio/models/amp/amp.h>
#include <metalaudio/nn/chunked_inference.h>
#include <metalaudio/nn/graph_inference.h>
#include <metalaudio/nn/inference_queue.h>
#include <metalaudio/nn/layers/activation.h>
#include <metalaudio/nn/layers/conv1d.h>
#include <metalaudio/nn/layers/functional.h>
#include <metalaudio/nn/layers/sequential.h>

#include <algorithm>
#include <array>
#include <complex>
#include <memory>
#include <span>
#include <utility>

#include "benchmarks/nn/amp_models.h"
#include "tests/onnx/model_builder.h"

namespace metalaudio::testing {
namespace {

constexpr double kRateHz = 48000.0;

/// process() from blocks to blocks.
template <typename Processor>
StreamBlock planar(std::shared_ptr<Processor> processor) {
  return
      [processor](const ConstAudioView& in, const AudioView& out) { processor->process(in, out); };
}

/// process() from samples to samples.
template <typename Processor>
StreamBlock flat(std::shared_ptr<Processor> processor) {
  return [processor](const ConstAudioView& in, const AudioView& out) {
    processor->process(in.channel(0), out.channel(0));
  };
}

void add_filters(std::vector<Streamed>& list) {
  list.push_back({"BiquadFilter", [] {
                    return flat(std::make_shared<dsp::BiquadFilter>(dsp::BiquadDesign{
                        dsp::BiquadShape::low_shelf, 120.0, kRateHz, dsp::Q(0.7), 4.0}));
                  }});
  list.push_back({"BiquadCascade", [] {
                    return planar(std::make_shared<dsp::BiquadCascade>(
                        dsp::design_butterworth(dsp::PassBand::low, 8, 900.0, kRateHz)));
                  }});
  list.push_back({"StateVariableFilter",
                  [] { return flat(std::make_shared<dsp::StateVariableFilter>(kRateHz)); }});
  list.push_back({"FilterBank", [] {
                    const std::array<double, 3> splits{200.0, 1000.0, 5000.0};
                    auto bank = std::make_shared<dsp::FilterBank>(
                        dsp::design_crossover(splits, 4, kRateHz));
                    auto bands = std::make_shared<AudioBuffer>(bank->bands(), 64);
                    return StreamBlock([=](const ConstAudioView& in, const AudioView& out) {
                      bank->process(in.channel(0), bands->view());
                      std::ranges::copy(bands->channel(1), out.channel(0).begin());
                    });
                  }});
}

void add_transforms(std::vector<Streamed>& list) {
  list.push_back({"Convolution", [] {
                    return flat(std::make_shared<dsp::Convolution>(
                        amp_models::random_weights(30000, 2, 0.01F)));
                  }});
  list.push_back({"StftStream", [] {
                    dsp::StftOptions options{.fft_size = 1024};
                    options.center = false;
                    auto stream = std::make_shared<dsp::StftStream>(options);
                    return StreamBlock([stream](const ConstAudioView& in, const AudioView& out) {
                      stream->process(
                          in.channel(0), out.channel(0),
                          [](std::span<std::complex<float>> spectrum) { spectrum[3] *= 0.5F; });
                    });
                  }});
  for (const double rate_hz : {96000.0, 44100.0, 48001.0}) {
    list.push_back({"StreamResampler to " + std::to_string(rate_hz), [rate_hz] {
                      auto resampler = std::make_shared<dsp::StreamResampler>(
                          kRateHz, rate_hz, dsp::StreamResamplerOptions{.largest_drift = 1e-3});
                      auto room = std::make_shared<AudioBuffer>(1, 256);
                      return StreamBlock([=, block = 0](const ConstAudioView& in,
                                                        const AudioView& out) mutable {
                        if (++block % 500 == 0) resampler->set_drift(1e-6 * (block % 1000));
                        resampler->process(in, room->view());
                        std::copy_n(room->channel(0).begin(), out.frames(), out.channel(0).begin());
                      });
                    }});
  }
  for (const std::size_t factor : {2U, 4U, 8U}) {
    list.push_back({"Oversampler " + std::to_string(factor), [factor] {
                      auto oversampler = std::make_shared<dsp::Oversampler>(factor);
                      return StreamBlock(
                          [oversampler](const ConstAudioView& in, const AudioView& out) {
                            oversampler->process(in, out, [](AudioView) {});
                          });
                    }});
  }
  list.push_back({"RateAdapter", [] {
                    return planar(std::make_shared<dsp::RateAdapter>(
                        kRateHz, 44100.0, dsp::RateAdapterOptions{.block_samples = 300},
                        [](ConstAudioView in, AudioView out) {
                          std::ranges::copy(in.channel(0), out.channel(0).begin());
                        }));
                  }});
}

/// tanh(x + w · before), block by block.
std::string onnx_model() {
  ModelBuilder model;
  model.input("x", {1, 64}).input("state", {1, 64}).output("y").output("next");
  model.floats("w", {64, 64}, amp_models::random_weights(64 * 64, 3, 0.1F));
  model.node("MatMul", {"state", "w"}, {"past"});
  model.node("Add", {"x", "past"}, {"sum"});
  model.node("Tanh", {"sum"}, {"next"});
  model.node("Identity", {"next"}, {"y"});
  return model.bytes();
}

/// y = x · w, of 128 samples.
nn::Plan dense_plan() {
  nn::Graph graph;
  Tensor weight(Shape{128, 128});
  std::ranges::copy(amp_models::random_weights(128 * 128, 4, 0.1F), weight.values().begin());
  const nn::Value row = nn::reshape(graph, graph.input("input", {128}), {1, 128});
  const nn::Value made = graph.apply(nn::MatMul{}, {row, graph.constant(std::move(weight))});
  graph.output("output", nn::reshape(graph, made, {128}));
  return nn::Plan(graph, {});
}

void add_networks(std::vector<Streamed>& list) {
  list.push_back({"GraphInference", [] {
                    const std::string bytes = onnx_model();
                    nn::GraphInferenceOptions options;
                    options.link_state("next", "state").guard = true;
                    auto model = std::make_shared<nn::GraphInference>(
                        std::as_bytes(std::span<const char>(bytes)), options);
                    return StreamBlock([model](const ConstAudioView& in, const AudioView& out) {
                      model->predict(in.channel(0), out.channel(0));
                    });
                  }});
  list.push_back(
      {"Sequential", [] {
         namespace layers = nn::layers;
         layers::Conv1d conv(
             {.out_channels = 4, .kernel_size = 9, .padding = layers::kSame, .causal = true});
         Tensor weight(Shape{4, 1, 9}), bias(Shape{4});
         std::ranges::copy(amp_models::random_weights(36, 5), weight.values().begin());
         conv.set("weight", std::move(weight));
         conv.set("bias", std::move(bias));
         auto model = std::make_shared<layers::Sequential>();
         model->add(std::move(conv)).add(layers::tanh());
         model->build_stream({.channels = 1});
         auto room = std::make_shared<AudioBuffer>(4, 64);
         return StreamBlock([=](const ConstAudioView& in, const AudioView& out) {
           model->process(in, room->view());
           std::ranges::copy(room->channel(2), out.channel(0).begin());
         });
       }});
  list.push_back({"ChunkedInference", [] {
                    return planar(std::make_shared<nn::ChunkedInference>(
                        dense_plan(), nn::PlanPorts{}, nn::ChunkOptions{.overlap_samples = 32}));
                  }});
  list.push_back({"InferenceQueue", [] {
                    return planar(std::make_shared<nn::InferenceQueue>(
                        dense_plan(), nn::PlanPorts{},
                        nn::InferenceQueueOptions{.host_samples = 64, .late = nn::LateBlock::dry}));
                  }});
}

std::shared_ptr<models::Amp> make_amp(const nlohmann::json& file, double rate_hz,
                                      std::size_t oversampling) {
  const std::string text = file.dump();
  models::AmpOptions options;
  options.sample_rate_hz = rate_hz;
  options.oversampling = oversampling;
  return std::make_shared<models::Amp>(std::as_bytes(std::span<const char>(text)), options);
}

void add_amps(std::vector<Streamed>& list) {
  const auto convnet = [] {
    return amp_models::nam_file(
        "ConvNet",
        {{"channels", 2}, {"dilations", {1, 4}}, {"batchnorm", false}, {"activation", "Tanh"}},
        amp_models::random_weights(4 + 2 + 8 + 2 + 2 + 1, 8));
  };
  const auto linear = [] {
    return amp_models::nam_file("Linear", {{"receptive_field", 40}, {"bias", true}},
                                amp_models::random_weights(41, 9));
  };
  const std::vector<std::pair<std::string, std::function<nlohmann::json()>>> models{
      {"WaveNet A1", [] { return amp_models::a1(4, 2, "Tanh"); }},
      {"WaveNet A2", [] { return amp_models::a2(3); }},
      {"LSTM", [] { return amp_models::lstm(1, 8); }},
      {"ConvNet", convnet},
      {"Linear", linear},
      {"Keras GRU", [] { return amp_models::keras_recurrent("gru", 8); }},
      {"Keras LSTM", [] { return amp_models::keras_recurrent("lstm", 8); }}};
  for (const auto& [name, file] : models)
    list.push_back({"Amp " + name, [file = file] { return planar(make_amp(file(), kRateHz, 1)); }});
  const auto small = [] { return amp_models::a1(2, 2, "Tanh"); };
  list.push_back({"Amp at twice its rate", [=] { return planar(make_amp(small(), 96000.0, 1)); }});
  list.push_back({"Amp at another rate", [=] { return planar(make_amp(small(), 44100.0, 1)); }});
  list.push_back({"Amp oversampled", [=] { return planar(make_amp(small(), kRateHz, 4)); }});
  list.push_back(
      {"Swappable amp", [=] {
         auto first = std::make_unique<models::Amp>(std::move(*make_amp(small(), kRateHz, 1)));
         return planar(std::make_shared<Swappable<models::Amp>>(std::move(first), SwapOptions{}));
       }});
}

}  // namespace

const std::vector<Streamed>& all_streams() {
  static const std::vector<Streamed> streams = [] {
    std::vector<Streamed> list;
    add_filters(list);
    add_transforms(list);
    add_networks(list);
    add_amps(list);
    return list;
  }();
  return streams;
}

}  // namespace metalaudio::testing
