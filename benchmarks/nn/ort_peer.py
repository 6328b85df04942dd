"""ONNX Runtime behind bench_onnx's protocol: ort_peer.py MODEL.onnx [state OUT=IN | bind NAME=NUMBER | dimension
SYMBOL=EXTENT]...; without a model, one that holds a single Identity. One thread, inputs and outputs bound."""
import gc
import sys
import time

import numpy as np
import onnxruntime as ort

TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(double)": np.float64}


def field(number, content):
    """A protobuf field: a number, or bytes."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    content = content.encode() if isinstance(content, str) else content
    return bytes([number << 3 | 2, len(content)]) + content


def identity():
    """x float32[1] -> y = Identity(x), as the bytes of a ModelProto."""
    def value(name):
        shape = field(2, field(1, field(1, 1)))
        return field(1, name) + field(2, field(1, field(1, 1) + shape))
    node = field(1, "x") + field(2, "y") + field(4, "Identity")
    graph = field(1, node) + field(2, "g") + field(11, value("x")) + field(12, value("y"))
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


def main():
    words = sys.argv[1:]
    model = words[0] if words else identity()
    settings = list(zip(words[1::2], (text.split("=", 1) for text in words[2::2])))
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    dimensions = {}
    numbers = {}
    for kind, (name, text) in settings:
        if kind == "dimension":
            dimensions[name] = int(text)
            options.add_free_dimension_override_by_name(name, int(text))
        elif kind == "bind":
            numbers[name] = float(text)
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(5)
    binding = session.io_binding()
    kept = []
    for port in session.get_inputs():
        shape = [dimensions.get(extent, extent) for extent in port.shape]
        if port.name in numbers:
            array = np.full(shape, numbers[port.name], TYPES[port.type])
        else:
            array = random.uniform(-0.1, 0.1, shape).astype(TYPES[port.type])
        kept.append(ort.OrtValue.ortvalue_from_numpy(array))
        binding.bind_ortvalue_input(port.name, kept[-1])
    feeds = {port.name: value.numpy() for port, value in zip(session.get_inputs(), kept)}
    for port, result in zip(session.get_outputs(), session.run(None, feeds)):
        kept.append(ort.OrtValue.ortvalue_from_numpy(result))
        binding.bind_ortvalue_output(port.name, kept[-1])
    print("ready", ort.__version__, flush=True)
    gc.disable()
    clock, run = time.perf_counter_ns, session.run_with_iobinding
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = clock()
            run(binding)
            times.append(clock() - start)
        print(*times, flush=True)


main()
