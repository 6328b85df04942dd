"""The package as a part of a Python process: threads, signals, forks, memory."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import metalaudio
from conftest import noise


def test_other_threads_run_while_one_separates(tiny):
    separator = metalaudio.Separator(tiny, jobs=1)
    wav = noise(2, 8000 * 30)
    ticks = []
    done = threading.Event()

    def work():
        separator.separate_tensor(wav)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.is_set():
        ticks.append(time.monotonic())
        time.sleep(0.001)
    thread.join()
    assert len(ticks) > 20
    # A thread that waited for the GIL would stand for the whole separation.
    assert max(np.diff(ticks)) < 0.5 * (ticks[-1] - ticks[0])


def test_two_threads_may_share_a_separator(separator):
    wavs = [noise(2, 30000, seed=i) for i in range(4)]
    expected = [separator.separate_tensor(wav)[1] for wav in wavs]
    results = [None] * 4

    def work(i):
        results[i] = separator.separate_tensor(wavs[i])[1]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result, one in zip(results, expected):
        assert all(np.array_equal(result[name], one[name]) for name in one)


def test_an_interrupt_ends_a_separation_within_a_segment(tiny):
    program = f"""
import numpy as np, time, metalaudio
separator = metalaudio.Separator({tiny!r}, jobs=1)
wav = np.random.default_rng(0).standard_normal((2, 8000 * 3600)).astype(np.float32)
began = time.monotonic()
try:
    print("ready", flush=True)
    separator.separate_tensor(wav)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    separator.separate_tensor(wav[:, :9000])
    print("goes on", flush=True)
"""
    # A shell starts what runs in its background with SIGINT ignored, which would be inherited.
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert process.stdout.readline() == "ready\n"
    time.sleep(1.0)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n"
    # A segment of this network takes hundredths of a second; an hour of it takes minutes.
    assert time.monotonic() - sent < 5
    assert process.stdout.readline() == "goes on\n"
    assert process.wait(20) == 0


def _in_child(argument):
    tiny, inherited = argument
    separator = _INHERITED if inherited else metalaudio.Separator(tiny, shifts=0, jobs=2)
    return float(np.abs(separator.separate_tensor(noise(2, 30000))[1]["bass"]).sum())


_INHERITED = None


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_separate(method, separator, tiny):
    global _INHERITED
    _INHERITED = separator  # with threads of its own, which a fork does not have
    expected = float(np.abs(separator.separate_tensor(noise(2, 30000))[1]["bass"]).sum())
    context = multiprocessing.get_context(method)
    kinds = [False, True] if method == "fork" else [False]
    with context.Pool(2) as pool:
        results = pool.map_async(_in_child, [(tiny, inherited) for inherited in kinds * 2]).get(timeout=120)
    assert results == [expected] * len(results)
    assert float(np.abs(separator.separate_tensor(noise(2, 30000))[1]["bass"]).sum()) == expected


def peak_bytes(call):
    """The most that numpy held at once within a call, beyond what it held before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        result = call()
        return tracemalloc.get_traced_memory()[1] - before, result
    finally:
        tracemalloc.stop()


def resident_peak(call):
    """How far the memory of the process rose within a call, whoever took it."""
    def high_water():
        status = Path("/proc/self/status").read_text()
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1])

    Path("/proc/self/clear_refs").write_text("5")
    before = high_water()
    result = call()
    return high_water() - before, result


LARGE = 16 << 20  # bytes of a signal; whatever else is held is far below it
SMALL = LARGE // 4


def test_nothing_large_is_copied_that_need_not_be(tiny):
    frames = LARGE // 8
    wav = noise(2, frames)
    # The whole is one array in place, so that only blocks of the network are beside it.
    separator = metalaudio.Separator(tiny, shifts=0, stems=["bass"])
    separator.separate_tensor(wav[:, :9000])
    out = np.empty((1, 2, frames), np.float32)
    out.fill(0)
    rise, (origin, _) = resident_peak(lambda: separator.separate_tensor(wav, out=out))
    assert origin is wav and rise < SMALL
    short = wav[:, : frames // 8]
    rise, _ = peak_bytes(lambda: separator.separate_tensor(short))
    assert short.nbytes <= rise < short.nbytes + SMALL // 8  # the stem itself, once

    mono, y = wav[0], np.zeros(frames, np.float32)
    for name, call in {
        "biquads": lambda: metalaudio.BiquadCascade([[1, 0, 0, 1, 0, 0]]).process(mono, out=y),
        "convolution": lambda: metalaudio.Convolution([1.0, 0.5]).process(mono, out=y),
        "resample": lambda: metalaudio.resample(wav, orig_sr=2, target_sr=1, out=out[0, :, : frames // 2]),
        "filters": lambda: metalaudio.FilterBank([[[1, 0, 0, 1, 0, 0]]] * 2).process(mono, out=out[0]),
    }.items():
        rise, _ = peak_bytes(call)
        assert rise < SMALL, (name, rise)


def test_a_stream_of_any_length_needs_little_memory(tiny, tmp_path):
    import soundfile

    frames = LARGE // 8
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 8000, 2, subtype="FLOAT") as file:
        for i in range(3):
            file.write(noise(2, frames, seed=i).T)
    separator = metalaudio.Separator(tiny, shifts=0, stems=["bass"])
    list(separator.stream(noise(2, 70000)))
    stream = separator.stream(tmp_path / "long.wav")
    next(stream)
    # Three times LARGE are in the file.
    rise, _ = resident_peak(lambda: [next(stream) and None for _ in range(6)])
    assert rise < LARGE
    del stream


def test_torch_is_never_imported():
    program = "import sys, metalaudio; metalaudio.Separator; print('torch' in sys.modules, 'demucs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False False\n"


def test_the_package_is_typed():
    folder = Path(metalaudio.__file__).parent
    assert (folder / "py.typed").exists()
    stub = (folder / "_native.pyi").read_text()
    assert "class Network" in stub and "def filter_float" in stub
    for name in metalaudio.__all__:
        assert getattr(metalaudio, name).__doc__, name
    assert os.path.exists(folder / "models" / "demo_6s.safetensors")
