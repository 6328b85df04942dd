"""Writes tests/fuzz/corpus: small inputs from which the fuzzers start, sound and hostile ones.

    python tools/goldens/make_fuzz_corpus.py

Needs the checkpoints of make_checkpoint_goldens.py and nothing but the standard library.
"""
import json
import pickle
import struct
import zipfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2] / "tests"


def safetensors(header, data=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Hostile:
    """Its pickle asks the reader to run a command."""

    def __reduce__(self):
        import os
        return os.system, ("true",)


def pickles():
    for name in ("zip_half", "zip_mixed", "zip_protocol4"):
        with zipfile.ZipFile(TESTS / "golden" / "checkpoints" / f"{name}.th") as archive:
            entry = next(n for n in archive.namelist() if n.endswith("/data.pkl"))
            yield name, archive.read(entry)
    yield "hostile", pickle.dumps(Hostile(), protocol=2)
    yield "plain", pickle.dumps({"a": [1, -2, 2**40, 1.5, None, True, "x", b"y", (1, 2, 3)]}, 2)
    yield "protocol1", pickle.dumps({"a": [1, 2**40, True, "x", (1,)]}, 1)
    yield "nested", b"]" * 1000 + b"a" * 999 + b"."
    yield "itself", b"]q\x01h\x01a."
    yield "bomb", b"]q\x00" + b"".join(
        b"](" + b"h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(40)
    ) + b"."


def safetensors_files():
    metadata = {"klass": "demucs.htdemucs.HTDemucs", "args": "[]",
                "kwargs": json.dumps({"sources": ["a"], "segment": {
                    "_type": "fraction", "numerator": 39, "denominator": 5}})}

    def tensor(kind, shape, begin, end):
        return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}

    yield "two", safetensors({"__metadata__": metadata, "w": tensor("F32", [2], 0, 8),
                              "b": tensor("F16", [1, 2], 8, 12)}, bytes(12))
    yield "none", safetensors({"__metadata__": metadata})
    yield "scalar", safetensors({"__metadata__": metadata, "w": tensor("I64", [], 0, 8)}, bytes(8))
    yield "overlap", safetensors({"__metadata__": metadata, "w": tensor("F32", [1], 0, 4),
                                  "v": tensor("F32", [1], 2, 6)}, bytes(6))
    yield "absurd", safetensors({"__metadata__": metadata, "w": tensor("F32", [2**40] * 3, 0, 4)},
                                bytes(4))


def bags():
    yield "one", b"models: ['955717e8']\n"
    yield "weights", (b"models: [a, b]\nweights: [\n  [1., 0., 0.5],\n  [0., 1., -1e-3],\n]\n"
                      b"segment: 44\n")
    yield "block", b"models:\n- a\n- b\nweights:\n- - 1\n- - 2\nsegment: null\n"
    yield "anchors", b"a: &a [x, x]\nb: &b [*a, *a]\nmodels: *a\nweights: [*b, *b]\n"
    yield "open", b"models: [[[[[[[[\n"


def main():
    corpora = {"pickle": pickles(), "safetensors": safetensors_files(), "yaml": bags(),
               "torch_zip": [("short", b"PK\x03\x04"), ("empty", b"PK\x05\x06" + bytes(18))]}
    for corpus, inputs in corpora.items():
        folder = TESTS / "fuzz" / "corpus" / corpus
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in inputs:
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
