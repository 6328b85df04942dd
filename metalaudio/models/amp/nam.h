#pragma once

#include <metalaudio/models/amp/json.h>
#include <metalaudio/models/amp/model.h>
#include <metalaudio/models/amp/program_builder.h>

namespace metalaudio::models::amp {

/// Reads the format of Neural Amp Modeler, versions 0.5.0 to 0.7.
/// Source:   github.com/sdatkinson/NeuralAmpModelerCore, NAM/get_dsp.cpp.
Model read_nam(const Json& file, const ReadOptions& options);

/// A file inside another: writes its network over `in`, or over planes of its own where `in` has no
/// channels, which then is set; returns its output.
struct NamPart {
  const ReadOptions& options;
  std::optional<double> sample_rate_hz;
  std::size_t depth = 0;
  std::size_t prewarm_frames = 0;
};
Plane write_nam(ProgramBuilder& builder, const Json& file, Plane& in, NamPart& part);

/// The architectures, from their config and all of their weights.
Plane write_wavenet(ProgramBuilder& builder, const Json& config, WeightList& weights, Plane& in,
                    NamPart& part);
Plane write_lstm(ProgramBuilder& builder, const Json& config, WeightList& weights, Plane& in);
Plane write_convnet(ProgramBuilder& builder, const Json& config, WeightList& weights, Plane& in);
Plane write_linear(ProgramBuilder& builder, const Json& config, WeightList& weights, Plane& in);

/// `in`, made with so many channels where it is not there yet.
void require_inputs(ProgramBuilder& builder, Plane& in, std::size_t channels);
/// "Tanh", or {"type": "LeakyReLU", "negative_slope": 0.01}, over so many channels.
Curve read_curve(ProgramBuilder& builder, const Json& value, std::size_t channels);

}  // namespace metalaudio::models::amp
