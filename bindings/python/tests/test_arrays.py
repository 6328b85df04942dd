"""Arrays of every kind: the right thing, or a clear error."""

import array

import numpy as np
import pytest

import metalaudio
from conftest import noise


def separate(separator, wav):
    return separator.separate_tensor(wav)[1]["bass"]


def test_layouts_give_the_same_stems(separator):
    wav = noise(2, 12000)
    expected = separate(separator, wav)
    wide = np.zeros((4, 30000), np.float32)
    wide[::2, 5:24005:2] = wav
    read_only = wav.copy()
    read_only.flags.writeable = False
    unaligned = np.frombuffer(b"x" + wav.tobytes(), np.uint8)[1:].view(np.float32).reshape(2, -1)
    layouts = {
        "strided": wide[::2, 5:24005:2], "fortran": np.asfortranarray(wav), "transposed": np.ascontiguousarray(wav.T).T,
        "backwards": np.ascontiguousarray(wav[:, ::-1])[:, ::-1], "channels backwards": np.ascontiguousarray(wav[::-1])[::-1],
        "big endian": wav.astype(">f4"), "double": wav.astype(np.float64), "list": wav.tolist(),
        "long double": wav.astype(np.longdouble), "read-only": read_only, "unaligned": unaligned,
        "part of a larger one": np.pad(wav, ((0, 0), (3, 9)))[:, 3:-9],
        "memory": memoryview(np.ascontiguousarray(wav)),
    }
    for name, layout in layouts.items():
        assert np.array_equal(separate(separator, layout), expected), name
    half = wav.astype(np.float16)
    assert np.array_equal(separate(separator, half), separate(separator, half.astype(np.float32)))


def test_dlpack_is_read_in_place(separator):
    class Foreign:
        """What torch, jax and others are to this package."""

        def __init__(self, samples):
            self.samples = samples

        def __dlpack__(self, **arguments):
            return self.samples.__dlpack__(**arguments)

        def __dlpack_device__(self):
            return self.samples.__dlpack_device__()

    wav = noise(2, 12000)
    origin, stems = separator.separate_tensor(Foreign(wav))
    assert np.shares_memory(origin, wav) and np.array_equal(stems["bass"], separate(separator, wav))

    class OnAnotherDevice(Foreign):
        def __dlpack_device__(self):
            return (2, 0)

        def __dlpack__(self, **arguments):
            raise BufferError("on a GPU")

    with pytest.raises(ValueError, match="OnAnotherDevice"):
        separator.separate_tensor(OnAnotherDevice(wav))


@pytest.mark.parametrize("wrong, text", [
    (np.zeros((2, 100), np.int16), "x / 32768"), (np.zeros((2, 100), np.complex64), "complex64"),
    (np.zeros((2, 100), bool), "bool"), (np.zeros((2, 100), object), "object"), ("song.wav", "<U8"),
    (np.zeros((3, 100), np.float32), "3 channels: expected 2"), (np.zeros((100, 2), np.float32), "x.T"),
    (np.zeros((1, 2, 100), np.float32), "3 dimensions"), (np.zeros(100, np.float32), "1 channel: expected 2"),
    (np.float32(1), "a number"), (None, "object"), ([[1.0], [1.0, 2.0]], "not an array"),
    (array.array("h", [1, 2, 3]), "x / 32768"),
])
def test_what_is_no_audio_is_refused(separator, wrong, text):
    with pytest.raises(ValueError, match=text) as caught:
        separator.separate_tensor(wrong)
    assert caught.value.code == "invalid_argument"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named(separator, bad):
    wav = noise(2, 12000)
    wav[1, 77] = bad
    with pytest.raises(metalaudio.InvalidDataError, match="sample 77 of channel 2") as caught:
        separator.separate_tensor(wav)
    assert caught.value.code == "invalid_data"
    with pytest.raises(metalaudio.InvalidDataError):
        list(separator.stream(wav))


def test_empty_audio_is_refused(separator):
    for call in (lambda: separator.separate_tensor(np.zeros((2, 0), np.float32)),
                 lambda: list(separator.stream(np.zeros((2, 0), np.float32))),
                 lambda: separator.separate_tensor(np.zeros((0, 0), np.float32))):
        with pytest.raises(ValueError):
            call()
    assert metalaudio.BiquadCascade([[1, 0, 0, 1, 0, 0]]).process(np.zeros(0, np.float32)).shape == (0,)
    assert metalaudio.Convolution([1.0]).process(np.zeros((1, 0), np.float32)).shape == (1, 0)


def test_one_sample_is_enough(separator):
    assert separate(separator, np.ones((2, 1), np.float32)).shape == (2, 1)


def test_processors_check_what_they_write_to():
    cascade = metalaudio.BiquadCascade([[1, 0, 0, 1, 0, 0]], channels=2)
    x = noise(2, 100)
    frozen = np.zeros((2, 100), np.float32)
    frozen.flags.writeable = False
    for wrong in (frozen, np.zeros((2, 100)), np.zeros((2, 99), np.float32), np.zeros((2, 100), ">f4"),
                  np.zeros((2, 200), np.float32)[:, ::2], x[::-1]):
        with pytest.raises(ValueError):
            cascade.process(x, out=wrong)
