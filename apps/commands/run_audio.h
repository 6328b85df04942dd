#pragma once

#include <metalaudio/nn/io/onnx/import_onnx.h>

#include "apps/options/run_options.h"

namespace metalaudio::apps {

/// Streams a file through a model whose one free input and first output are audio of as many
/// frames: [T], [1][T], [1][C][T] or [1][T][C]. A model of one channel runs once for each.
/// Errors:   throws Error{unsupported} on other models, and as process_file().
int run_audio(const RunOptions& options, const nn::OnnxSummary& summary);

}  // namespace metalaudio::apps
