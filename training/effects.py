"""What a mixing desk does to a stem: drive and cabinet, compression, and one linear filter of EQ and reverb."""
import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

RATE = 44100


def drive(x: np.ndarray, amount_db: float, rng: np.random.Generator) -> np.ndarray:
    """A waveshaper, biased a little so that even harmonics come too."""
    peak = np.abs(x).max() + 1e-9
    bias = rng.uniform(0, 0.25)
    shaped = np.tanh(x / peak * 10 ** (amount_db / 20) + bias) - np.tanh(bias)
    return (shaped * peak).astype(np.float32)


def compress(x: np.ndarray, ratio: float, depth_db: float) -> np.ndarray:
    """Feed-forward compression of both channels together; threshold lies depth_db under the loudest block."""
    block = 441
    blocks = -(-x.shape[1] // block)
    padded = np.pad(x, ((0, 0), (0, blocks * block - x.shape[1])))
    level = 10 * np.log10((padded.reshape(x.shape[0], blocks, block) ** 2).mean((0, 2)) + 1e-9)
    smooth = np.empty_like(level)
    state = level[0]
    for k, value in enumerate(level):                    # fast attack, slow release
        state += (value - state) * (0.6 if value > state else 0.12)
        smooth[k] = state
    gain_db = -np.maximum(0, smooth - (smooth.max() - depth_db)) * (1 - 1 / ratio)
    gain = np.interp(np.arange(x.shape[1]), np.arange(blocks) * block + block / 2, 10 ** (gain_db / 20))
    return (x * gain).astype(np.float32)


def equaliser(f: np.ndarray, rng: np.random.Generator, strength_db: float) -> np.ndarray:
    """A gentle random curve: a tilt and a few bells on a log-frequency axis."""
    octave = np.log2(np.maximum(f, 20) / 1000)
    db = rng.normal(0, strength_db / 4) * octave / 2
    for _ in range(int(rng.integers(1, 4))):
        db = db + rng.normal(0, strength_db) * np.exp(-0.5 * ((octave - rng.uniform(-4, 3.5)) / rng.uniform(0.3, 1.2)) ** 2)
    return 10 ** (np.clip(db, -15, 9) / 20)


def cabinet(f: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A guitar loudspeaker: nothing below 80 Hz or above 5 kHz, and a presence peak."""
    low, high = rng.uniform(70, 120), rng.uniform(3500, 6000)
    curve = 1 / np.sqrt(1 + (low / np.maximum(f, 1)) ** 4) / np.sqrt(1 + (f / high) ** 8)
    presence = rng.uniform(1800, 3200)
    return curve * (1 + rng.uniform(0, 1.2) * np.exp(-0.5 * (np.log2(np.maximum(f, 20) / presence) / 0.4) ** 2))


def reverb_response(rng: np.random.Generator, wet_db: float, seconds: float) -> np.ndarray:
    """A stereo impulse response [2, n]: early reflections and a tail of decaying, darkening noise."""
    count = int(RATE * min(2.5, seconds * 1.2))
    t = np.arange(count) / RATE
    tail = rng.standard_normal((2, count)).astype(np.float32)
    dark = rng.uniform(0.1, 0.5)
    smooth = np.copy(tail)
    smooth[:, 1:] += dark * tail[:, :-1]
    tail = smooth * np.exp(-6.9 * t / seconds)
    delay = int(rng.uniform(0.003, 0.04) * RATE)
    tail = np.roll(tail, delay, axis=1)
    tail[:, :delay] = 0
    for _ in range(6):
        at = int(rng.uniform(0.004, 0.06) * RATE)
        tail[:, at] += rng.normal(0, 12, 2) * np.exp(-at / RATE / 0.05)
    tail /= np.sqrt((tail ** 2).sum(1, keepdims=True)) + 1e-9
    return tail * 10 ** (wet_db / 20)


def place(x: np.ndarray, pan: float, width: float) -> np.ndarray:
    """Pan (−1 left … 1 right, constant power) and stereo width (0 mono … 1 as it was)."""
    middle, side = (x[0] + x[1]) / 2, (x[0] - x[1]) / 2 * width
    angle = (pan + 1) * np.pi / 4
    return np.stack([(middle + side) * np.cos(angle), (middle - side) * np.sin(angle)]) * np.sqrt(2).astype(np.float32)


def room(x: np.ndarray, rng: np.random.Generator, wet_db: float, seconds: float, eq_db: float, with_cabinet: bool = False) -> np.ndarray:
    """EQ, cabinet and reverb as one frequency-domain filter."""
    response = reverb_response(rng, wet_db, seconds).astype(np.float32)
    size = next_fast_len(x.shape[1] + response.shape[1], real=True)
    f = np.geomspace(10, RATE / 2, 400)                  # the curves are smooth: a coarse grid will do
    curve = equaliser(f, rng, eq_db)
    if with_cabinet:
        curve = curve * cabinet(f, rng)
    transfer = 1 + rfft(response, size)
    transfer *= np.interp(rfftfreq(size, 1 / RATE), f, curve).astype(np.float32)
    return irfft(rfft(x, size) * transfer, size)[:, : x.shape[1]]


def limit(x: np.ndarray, crest_db: float) -> np.ndarray:
    """A soft limiter at crest_db over the mean energy, so that one loud click does not push the mix down."""
    threshold = np.sqrt(np.mean(x ** 2)) * 10 ** (crest_db / 20) + 1e-9
    return (threshold * np.tanh(x / threshold)).astype(np.float32)
