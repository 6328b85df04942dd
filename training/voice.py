"""Formant singing: a glottal source and breath noise, shaped by moving vowel formants in the short-time spectrum."""
import numpy as np
from scipy.signal import istft, lfilter, stft

from songs import Part

RATE = 44100
FRAME, HOP = 1024, 256

# Formant centres (Hz) of an adult male voice and their bandwidths; other voices scale them.
VOWELS = {
    "a": ((730, 1090, 2440, 3400, 4500), (80, 90, 120, 160, 220)),
    "e": ((530, 1840, 2480, 3500, 4500), (60, 100, 120, 160, 220)),
    "i": ((280, 2250, 2900, 3500, 4600), (50, 100, 120, 160, 220)),
    "o": ((470, 850, 2410, 3300, 4400), (60, 80, 120, 160, 220)),
    "u": ((310, 870, 2250, 3200, 4300), (50, 80, 120, 160, 220)),
    "uh": ((560, 1200, 2400, 3300, 4400), (70, 90, 120, 160, 220)),
    "ae": ((660, 1720, 2410, 3400, 4500), (80, 100, 120, 160, 220)),
}
# Consonants: (kind, centre Hz, width Hz, seconds, level)
CONSONANTS = (
    ("noise", 6500, 2500, 0.09, 1.0), ("noise", 3500, 1800, 0.08, 0.8), ("noise", 1800, 2500, 0.04, 0.7),
    ("noise", 4500, 4000, 0.02, 1.0), ("noise", 1200, 900, 0.02, 0.8), ("hum", 0, 0, 0.07, 0.0), ("hum", 0, 0, 0.05, 0.0),
    ("none", 0, 0, 0.0, 0.0), ("none", 0, 0, 0.0, 0.0),
)


def _pulses(f0: np.ndarray, voiced: np.ndarray, rng: np.random.Generator, open_share: float) -> np.ndarray:
    """The derivative of a Rosenberg glottal pulse, from the running phase."""
    phase = np.cumsum(f0 / RATE) % 1.0
    rise, fall = open_share * 0.66, open_share * 0.34
    flow = np.where(phase < rise, 0.5 * (1 - np.cos(np.pi * phase / rise)),
                    np.where(phase < rise + fall, np.cos(np.pi / 2 * (phase - rise) / fall), 0.0))
    return np.diff(flow, prepend=0.0) * (RATE / 4000) * voiced


def _envelope(formants: np.ndarray, widths: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """|H(f, frame)| of parallel resonances, with the levels that a vocal tract gives them."""
    out = np.full((len(frequencies), formants.shape[1]), 1e-3)
    level = np.array([1.0, 0.7, 0.42, 0.28, 0.16])
    f = frequencies[:, None]
    for k in range(formants.shape[0]):
        c, w = formants[k][None], widths[k][None]
        out += level[k] / np.sqrt(1 + ((f - c) / (w / 2 * 1.2)) ** 2)
    return out


def sing(part: Part, duration: float, seed: int) -> np.ndarray:
    """The part as mono float32; the singer (size, breath, vibrato, diction) is drawn from the seed."""
    rng = np.random.default_rng([seed, 0x51])
    total = int(round(duration * RATE))
    if not part.notes:
        return np.zeros(total, np.float32)
    mean_pitch = float(np.mean([n.pitch for n in part.notes]))
    size = float(np.clip(1.0 + (mean_pitch - 52) * 0.011 + rng.normal(0, 0.05), 0.88, 1.4))   # higher voices, shorter tracts
    vibrato_hz, vibrato_cents = rng.uniform(4.6, 6.6), rng.uniform(5, 65)
    vibrato_delay, glide = rng.uniform(0.1, 0.45), rng.uniform(0.015, 0.07)
    breath, open_share = 10 ** rng.uniform(-2.2, -1.0), rng.uniform(0.5, 0.8)
    tilt = rng.uniform(0.0, 0.55)
    vocabulary = rng.choice(list(VOWELS), size=int(rng.integers(2, 7)))
    diction = rng.uniform(0.0, 1.0)
    rasp = rng.uniform(0, 1) ** 3

    frames = total // HOP + 2
    frame_time = np.arange(frames) * HOP / RATE
    midi = np.full(total, part.notes[0].pitch, np.float64)
    voiced = np.zeros(total)
    target = np.zeros((5, frames))
    width = np.zeros((5, frames))
    noise_gain = np.zeros(frames)
    noise_centre, noise_width = np.full(frames, 5000.0), np.full(frames, 2000.0)
    hum = np.zeros(frames)
    first = np.array(VOWELS[vocabulary[0]][0], float)
    target[:] = first[:, None]
    width[:] = np.array(VOWELS[vocabulary[0]][1], float)[:, None]
    for note in part.notes:
        a, b = int(note.start * RATE), min(total, int((note.start + note.length) * RATE))
        if b - a < 400:
            continue
        t = np.arange(b - a) / RATE
        scoop = -rng.uniform(0, 1.2) * np.exp(-t / 0.05) if rng.random() < 0.4 else 0.0
        midi[a:] = note.pitch
        midi[a:b] += scoop + vibrato_cents / 100 * np.sin(2 * np.pi * vibrato_hz * t + rng.uniform(0, 6)) * np.clip((t - vibrato_delay) / 0.3, 0, 1)
        attack, release = rng.uniform(0.015, 0.07), min(0.1, (b - a) / RATE / 3)
        loud = (note.velocity / 100) ** 1.3
        voiced[a:b] = np.maximum(voiced[a:b], loud * np.minimum(1, t / attack) * np.minimum(1, t[::-1] / release) * (1 - 0.15 * t / (t[-1] + 1e-6)))
        fa, fb = a // HOP, min(frames, b // HOP + 1)
        syllables = max(1, min(4, int(note.length / rng.uniform(0.35, 1.2))))
        edges = np.linspace(fa, fb, syllables + 1).astype(int)
        for s in range(syllables):
            vowel = VOWELS[str(rng.choice(vocabulary))]
            target[:, edges[s]:] = np.array(vowel[0], float)[:, None]
            width[:, edges[s]:] = np.array(vowel[1], float)[:, None]
            if rng.random() < diction:
                kind, centre, spread, seconds, level = CONSONANTS[int(rng.integers(len(CONSONANTS)))]
                count = max(1, int(seconds * RATE / HOP))
                if kind == "noise":
                    where = slice(max(0, edges[s] - count), edges[s] + 1)
                    noise_gain[where] = level * loud
                    noise_centre[where], noise_width[where] = centre * rng.uniform(0.85, 1.15), spread
                    voiced[max(0, edges[s] - count) * HOP: edges[s] * HOP] *= 0.1
                elif kind == "hum":
                    hum[edges[s]: edges[s] + count] = 1.0
    # Smooth what a body cannot do at once.
    alpha = np.exp(-1 / (glide * RATE / 2))
    midi = lfilter([1 - alpha], [1, -alpha], midi - midi[0]) + midi[0]
    drift = np.interp(np.arange(total) / RATE, np.arange(0, duration + 0.3, 0.08), rng.normal(0, 0.10, len(np.arange(0, duration + 0.3, 0.08))))
    jitter = np.interp(np.arange(total), np.arange(0, total + 300, 220), rng.normal(0, 0.04 + 0.25 * rasp, len(np.arange(0, total + 300, 220))))
    f0 = 440.0 * 2 ** ((midi + drift + jitter - 69) / 12)
    beta = np.exp(-HOP / (0.035 * RATE))
    for k in range(5):
        target[k] = lfilter([1 - beta], [1, -beta], target[k] - target[k, 0]) + target[k, 0]
        width[k] = lfilter([1 - beta], [1, -beta], width[k] - width[k, 0]) + width[k, 0]
    voiced_smooth = lfilter([0.01], [1, -0.99], voiced)

    source = _pulses(f0, voiced_smooth, rng, open_share)
    if rasp > 0.3:
        source *= 1 + rasp * 0.5 * lfilter([0.02], [1, -0.98], rng.standard_normal(total)) * 10
    air = rng.standard_normal(total)
    f, _, spectrum = stft(source, RATE, nperseg=FRAME, noverlap=FRAME - HOP)
    _, _, noise = stft(air, RATE, nperseg=FRAME, noverlap=FRAME - HOP)
    count = spectrum.shape[1]
    take = np.minimum(np.arange(count), frames - 1)
    centres = target[:, take] * size
    # Singers raise the first formant to the fundamental rather than lose it.
    centres[0] = np.maximum(centres[0], f0[np.minimum(take * HOP, total - 1)] * 1.02)
    tract = _envelope(centres, width[:, take] * (1 + 0.3 * rasp), f)
    tract *= (1 - hum[take]) + hum[take] * (np.minimum(1, 350 / np.maximum(f, 1)) ** 1.2)[:, None]
    slope = (np.maximum(f, 120) / 500.0)[:, None] ** -tilt
    level = voiced_smooth[np.minimum(take * HOP, total - 1)]
    fricative = noise_gain[take] * np.exp(-0.5 * ((f[:, None] - noise_centre[take]) / noise_width[take]) ** 2)
    scale = np.sqrt(np.mean(np.abs(spectrum) ** 2)) / (np.sqrt(np.mean(np.abs(noise) ** 2)) + 1e-12)
    shaped = spectrum * tract * slope + noise * scale * (breath * level * tract + 0.35 * fricative)
    _, out = istft(shaped, RATE, nperseg=FRAME, noverlap=FRAME - HOP)
    out = out[:total] if len(out) >= total else np.pad(out, (0, total - len(out)))
    return (out / (np.abs(out).max() + 1e-9) * 0.5).astype(np.float32)
