#pragma once

namespace metalaudio::nn {

/// gelu is the exact form (erf), as torch.nn.GELU(). glu halves the channels: a · sigmoid(b).
enum class Activation { none, gelu, relu, sigmoid, tanh, glu };

}  // namespace metalaudio::nn
