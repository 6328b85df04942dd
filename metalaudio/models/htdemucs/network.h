#pragma once

#include <metalaudio/models/htdemucs/config.h>
#include <metalaudio/models/model_options.h>
#include <metalaudio/nn/graph/graph.h>
#include <metalaudio/nn/weights.h>

#include <cstdint>
#include <string>
#include <vector>

namespace metalaudio::models {

/// Writes demucs.htdemucs.HTDemucs.forward into a graph, from the normalised inputs to the outputs
/// before they are scaled back and transformed: what lies before and after is Spectrogram's. taps
/// are values to be outputs as well, by name: encoder.I, tencoder.I, freq_emb, transformer_in,
/// transformer_tokens, transformer.layers.I, transformer_out (and _t of each), decoder.I,
/// tdecoder.I.
/// Shapes:   input "waveform" [1][segment][audio_channels]; output "waveform"
///           [1][segment][sources · audio_channels]. Mode::full adds input "spectrogram"
///           [nfft/2][frames][2 · audio_channels] and output "spectrogram"
///           [nfft/2][frames][sources · 2 · audio_channels]. More than one segment at a time have an
///           axis of their own before these.
/// Errors:   throws Error{invalid_data, invalid_argument}, naming the tensor or the layer.
nn::Graph build_htdemucs(const HTDemucsConfig& config, const nn::Weights& weights, Mode mode,
                         std::int64_t batch = 1, const std::vector<std::string>& taps = {});

}  // namespace metalaudio::models
