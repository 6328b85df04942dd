#pragma once

#include <metalaudio/models/amp/amp_network.h>
#include <metalaudio/nn/graph_inference.h>

#include "apps/options/run_options.h"

namespace metalaudio::apps {

/// The graph's options, of the program's calibration: tensors as samples, bindings as constants,
/// free axes as what is given has them.
nn::GraphInferenceOptions inference_options(const RunOptions& options, const RunValues& values,
                                            const nn::OnnxSummary& summary);

/// Runs an ONNX model on tensors and writes what the last step leaves, each output to a file.
int run_tensors(const RunOptions& options, const nn::OnnxSummary& summary);

/// The same with a network of RTNeural: "input" is [frames], [frames][channels] or
/// [1][frames][channels], and so is "output".
int run_tensors(const RunOptions& options, models::AmpNetwork network);

/// Its ports.
nn::OnnxSummary summary_of(const models::AmpNetwork& network);

}  // namespace metalaudio::apps
