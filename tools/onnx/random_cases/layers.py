"""Operations that are layers of networks."""
from __future__ import annotations

import numpy as np

from .drawing import axis_of, Case, extent, flag, floats, ints, of, pick, shape


@of("BatchNormalization")
def batch_norm(r, name):
    x = floats(r, shape(r, 2, 5, 0.03))
    c = x.shape[1]
    attributes = {"epsilon": 1e-3} if flag(r) else {}
    training = flag(r, 0.2) and x.size > 0
    if training:
        attributes["training_mode"] = 1
    return Case([x, floats(r, c), floats(r, c), floats(r, c), floats(r, c, 0.3, 2)], attributes, 3 if training else 1, 15,
                constants=(1, 2, 3, 4) if flag(r) else (), absolute=1e-5)


@of("InstanceNormalization")
def instance_norm(r, name):
    x = floats(r, shape(r, 3, 5, 0))
    c = x.shape[1]
    return Case([x, floats(r, c), floats(r, c)], {"epsilon": 1e-3} if flag(r) else {}, opset=6,
                constants=(1, 2) if flag(r) else (), absolute=2e-4)


@of("LayerNormalization")
def layer_norm(r, name):
    x = floats(r, shape(r, 1, 4, 0))
    axis = axis_of(r, x.ndim)
    s = x.shape[axis % x.ndim:]
    return Case([x, floats(r, s), floats(r, s) if flag(r) else None], {"axis": axis, "epsilon": 1e-3}, pick(r, [1, 3]), 17,
                constants=(1, 2) if flag(r) else (), absolute=2e-5)


@of("RMSNormalization")
def rms_norm(r, name):
    x = floats(r, shape(r, 1, 4, 0))
    axis = axis_of(r, x.ndim)
    return Case([x, floats(r, x.shape[axis % x.ndim:])], {"axis": axis, "epsilon": 1e-3}, opset=23, absolute=1e-5)


@of("GroupNormalization")
def group_norm(r, name):
    groups = int(r.integers(1, 4))
    c = groups * int(r.integers(1, 4))
    x = floats(r, (2, c, *shape(r, 1, 3, 0)))
    return Case([x, floats(r, c), floats(r, c)], {"num_groups": groups, "epsilon": 1e-3}, opset=21,
                constants=(1, 2) if flag(r) else (), absolute=2e-4)


@of("LRN")
def lrn(r, name):
    return Case([floats(r, (extent(r, 0), extent(r, 0), extent(r, 0), extent(r, 0)))],
                {"size": int(pick(r, [1, 3, 5])), "alpha": 0.01, "beta": 0.6, "bias": 1.5}, opset=13)


@of("LpNormalization")
def lp_norm(r, name):
    x = floats(r, shape(r, 1, 4, 0))
    return Case([x], {"axis": axis_of(r, x.ndim), "p": int(pick(r, [1, 2]))}, opset=22)


@of("MeanVarianceNormalization")
def mvn(r, name):
    return Case([floats(r, (3, 2, 4, 3))], {"axes": sorted(int(a) for a in r.permutation(4)[: int(r.integers(1, 4))])},
                opset=13, absolute=1e-4)


@of("LSTM", "GRU", "RNN")
def recurrent(r, name):
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[name]
    directions = 1
    steps, batch, width, hidden = (int(r.integers(1, 5)) for _ in range(4))
    attributes = {"hidden_size": hidden}
    if name == "GRU":
        attributes["linear_before_reset"] = int(flag(r))
    inputs = [floats(r, (steps, batch, width), -1, 1), floats(r, (directions, gates * hidden, width), -1, 1),
              floats(r, (directions, gates * hidden, hidden), -1, 1),
              floats(r, (directions, 2 * gates * hidden), -1, 1) if flag(r) else None]
    if flag(r):
        inputs += [None, floats(r, (directions, batch, hidden), -1, 1)]
        if name == "LSTM":
            inputs += [floats(r, (directions, batch, hidden), -1, 1)]
            if flag(r):
                inputs += [floats(r, (directions, 3 * hidden), -1, 1)]
    return Case(inputs, attributes, 2, 14, constants=(1, 2, 3))


def recurrent_full(r, name):
    """With all that the reference evaluator has not."""
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[name]
    direction = pick(r, ["forward", "reverse", "bidirectional"])
    d = 2 if direction == "bidirectional" else 1
    steps, batch, width, hidden = (int(r.integers(1, 6)) for _ in range(4))
    attributes = {"hidden_size": hidden, "direction": direction}
    if name == "GRU":
        attributes["linear_before_reset"] = int(flag(r))
    if flag(r, 0.3):
        attributes["clip"] = float(0.3 + r.random())
    if flag(r, 0.3):
        kinds = {"LSTM": 3, "GRU": 2, "RNN": 1}[name]
        names = [pick(r, ["Tanh", "Sigmoid", "Relu", "HardSigmoid", "LeakyRelu", "Elu", "Softsign", "Softplus", "Affine",
                          "ScaledTanh", "ThresholdedRelu"]) for _ in range(kinds * d)]
        attributes["activations"] = names
        has_alpha = {"HardSigmoid": 0.3, "LeakyRelu": 0.1, "Elu": 0.9, "Affine": 0.7, "ScaledTanh": 0.8, "ThresholdedRelu": 0.2}
        has_beta = {"HardSigmoid": 0.4, "Affine": 0.1, "ScaledTanh": 0.6}
        attributes["activation_alpha"] = [has_alpha[n] for n in names if n in has_alpha]
        attributes["activation_beta"] = [has_beta[n] for n in names if n in has_beta]
        attributes = {k: v for k, v in attributes.items() if v != []}
    tensor = lambda *s: floats(r, s, -1, 1)
    inputs = [tensor(steps, batch, width), tensor(d, gates * hidden, width), tensor(d, gates * hidden, hidden),
              tensor(d, 2 * gates * hidden) if flag(r) else None,
              ints(r, batch, 1, steps + 1, np.int32) if flag(r, 0.3) else None,
              tensor(d, batch, hidden) if flag(r) else None]
    if name == "LSTM":
        inputs += [tensor(d, batch, hidden) if flag(r) else None, tensor(d, 3 * hidden) if flag(r, 0.3) else None]
        if flag(r, 0.2):
            attributes["input_forget"] = 1
    return Case(inputs, attributes, 3 if name == "LSTM" else 2, 14, constants=(1, 2, 3, 4), absolute=2e-5)


@of("Attention")
def attention(r, name):
    batch, heads, group = int(r.integers(1, 3)), int(r.integers(1, 3)), int(pick(r, [1, 1, 2]))
    queries, keys, width, value_width = (int(r.integers(1, 6)) for _ in range(4))
    past = int(r.integers(1, 4)) if flag(r, 0.3) else 0
    attributes = {}
    if flag(r):
        attributes["scale"] = float(0.2 + r.random())
    if flag(r, 0.3):
        attributes["softcap"] = float(1 + r.random())
    if flag(r, 0.4):
        attributes["is_causal"] = 1
    if flag(r):
        inputs = [floats(r, (batch, heads * group, queries, width)), floats(r, (batch, heads, keys, width)),
                  floats(r, (batch, heads, keys, value_width))]
    else:
        attributes.update(q_num_heads=heads * group, kv_num_heads=heads)
        inputs = [floats(r, (batch, queries, heads * group * width)), floats(r, (batch, keys, heads * width)),
                  floats(r, (batch, keys, heads * value_width))]
    mask = None
    if flag(r):
        full = pick(r, [(batch, heads * group, queries, keys + past), (queries, keys + past), (1, 1, queries, keys + past),
                        (batch, 1, queries, keys + past)])
        mask = floats(r, full) if flag(r) else r.random(full) < 0.7
    inputs.append(mask)
    outputs = 1
    if past:
        inputs += [floats(r, (batch, heads, past, width)), floats(r, (batch, heads, past, value_width))]
        outputs = 3
    if flag(r, 0.4):
        outputs = 4
        attributes["qk_matmul_output_mode"] = int(r.integers(0, 4))
    return Case(inputs, attributes, outputs, 24, absolute=2e-5)


@of("RotaryEmbedding")
def rotary(r, name):
    batch, tokens, heads, half = (int(r.integers(1, 4)) for _ in range(4))
    width = 2 * half + int(pick(r, [0, 0, 2]))
    attributes = {"interleaved": int(flag(r))}
    if width != 2 * half:
        attributes["rotary_embedding_dim"] = 2 * half
    x = floats(r, (batch, heads, tokens, width))
    if flag(r):
        x = floats(r, (batch, tokens, heads * width))
        attributes["num_heads"] = heads
    if flag(r):
        ids = ints(r, (batch, tokens), 0, 9)
        return Case([x, floats(r, (9, half)), floats(r, (9, half)), ids], attributes, opset=23)
    return Case([x, floats(r, (batch, tokens, half)), floats(r, (batch, tokens, half))], attributes, opset=23)


@of("LinearAttention")
def linear_attention(r, name):
    batch, tokens, heads, group, width, value_width = (int(r.integers(1, 4)) for _ in range(6))
    rule = pick(r, ["linear", "gated", "delta", "gated_delta"])
    inputs = [floats(r, (batch, tokens, heads * group * width), -1, 1), floats(r, (batch, tokens, heads * width), -1, 1),
              floats(r, (batch, tokens, heads * value_width), -1, 1),
              floats(r, (batch, heads, width, value_width), -1, 1) if flag(r) else None,
              floats(r, (batch, tokens, heads * pick(r, [1, width])), -1, 0) if "gated" in rule else None,
              floats(r, (batch, tokens, pick(r, [1, heads])), 0, 1) if "delta" in rule else None]
    return Case(inputs, {"q_num_heads": heads * group, "kv_num_heads": heads, "update_rule": rule}, 2, 27, absolute=1e-5)


@of("CausalConvWithState")
def causal_conv(r, name):
    batch, channels, length, kernel = (int(r.integers(1, 5)) for _ in range(4))
    inputs = [floats(r, (batch, channels, length)), floats(r, (channels, 1, kernel)),
              floats(r, channels) if flag(r) else None, floats(r, (batch, channels, kernel - 1)) if flag(r) else None]
    return Case(inputs, {"activation": pick(r, ["none", "silu", "swish"])}, 2, 27, constants=(1, 2), absolute=1e-5)


@of("SwiGLU")
def swiglu(r, name):
    s = shape(r)
    return Case([floats(r, s), floats(r, s)], {"alpha": float(r.random())} if flag(r) else {}, opset=28)


@of("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(r, name):
    n, c = int(r.integers(1, 4)), int(r.integers(1, 5))
    rest = shape(r, 0, 3, 0)
    target = ints(r, (n, *rest), 0, c, pick(r, [np.int32, np.int64]))
    attributes = {"reduction": pick(r, ["mean", "sum", "none"])}
    if flag(r, 0.4):
        attributes["ignore_index"] = int(pick(r, [0, 2, 7]))
        target = np.where(r.random(target.shape) < 0.3, attributes["ignore_index"], target).astype(target.dtype)
        target.flat[0] = (attributes["ignore_index"] + 1) % c if c > 1 else target.flat[0]
        if c == 1:
            attributes.pop("ignore_index")
            target[...] = 0
    outputs = 2 if name == "SoftmaxCrossEntropyLoss" and flag(r) else 1
    return Case([floats(r, (n, c, *rest)), target, floats(r, c, 0.1, 1) if flag(r) else None], attributes, outputs, 13,
                absolute=1e-5)


@of("Dropout")
def dropout(r, name):
    return Case([floats(r, shape(r)), np.array(0.3, np.float32) if flag(r) else None], {}, pick(r, [1, 2]), 13)
