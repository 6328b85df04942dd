#pragma once

#include <metalaudio/models/amp/json.h>
#include <metalaudio/models/amp/model.h>

namespace metalaudio::models::amp {

/// RTNeural's JSON, as exported from Keras: {"in_shape", "layers"}.
/// Source:   github.com/jatinchowdhury18/RTNeural, model_loader.h.
Model read_rtneural(const Json& file, const ReadOptions& options);

/// A PyTorch state dictionary as JSON: its modules in their order, one after the other: LSTM, GRU,
/// Linear, Conv1d of stride and dilation 1, BatchNorm1d, PReLU.
Model read_torch_state(const Json& file, const ReadOptions& options);

/// GuitarML's and NeuralPi's {"model_data", "state_dict"}: an LSTM or GRU, a linear layer, and the
/// input added where "skip" says so.
/// Source:   github.com/Alec-Wright/Automated-GuitarAmpModelling, networks.py.
Model read_guitarml(const Json& file, const ReadOptions& options);

}  // namespace metalaudio::models::amp
