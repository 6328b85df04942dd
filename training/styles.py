"""Styles: what a band plays in each, as plain tables.

Drum lines are 16 steps of one 4/4 bar (12 steps in 3/4): X accent, x hit, o ghost, . rest.
Programs are General MIDI numbers from 0; a program listed twice is twice as likely.
"""
from dataclasses import dataclass, field

STEMS = ("drums", "bass", "other", "vocals", "guitar", "piano")

# Chord progressions as (degree, quality) with degrees in semitones above the tonic.
MAJOR_PROGRESSIONS = (
    "0M 7M 9m 5M", "0M 9m 5M 7M", "0M 5M 7M 5M", "9m 5M 0M 7M", "0M 5M 0M 7M", "2m 7M 0M 9m",
    "0M 4m 5M 7M", "5M 7M 4m 9m", "0M 2m 5M 7M", "0M 10M 5M 0M", "0M 7M 5M 5M",
)
MINOR_PROGRESSIONS = (
    "0m 8M 3M 10M", "0m 10M 8M 10M", "0m 5m 10M 3M", "0m 5m 8M 7M", "0m 3M 10M 5M", "0m 8M 5m 7M",
    "0m 0m 8M 10M", "0m 10M 5m 8M",
)
JAZZ_PROGRESSIONS = (
    "2m7 7D 0J 9m7", "0J 9m7 2m7 7D", "4m7 9D 2m7 7D", "0J 5J 4m7 9D", "5J 10D 0J 9D", "0m7 5m7 10D 3J",
)
BLUES_PROGRESSIONS = ("0D 0D 5D 0D 7D 5D", "0D 5D 0D 7D", "0D 5D 0D 0D 5D 7D")
VAMP_PROGRESSIONS = ("0m7 5D", "0D 0D 5D 5D", "0m7 10M 0m7 5m7", "2m7 7D", "0m7 3J 8J 7D")

CHORDS = {"M": (0, 4, 7), "m": (0, 3, 7), "D": (0, 4, 7, 10), "m7": (0, 3, 7, 10), "J": (0, 4, 7, 11),
          "5": (0, 7), "s": (0, 5, 7)}

ACOUSTIC_PIANOS = (0, 0, 0, 0, 1, 1, 2)
ANY_PIANO = (0, 0, 0, 0, 1, 1, 2, 3, 4, 4, 5, 5)
ALL_KEYBOARDS = (0, 0, 0, 1, 1, 2, 3, 4, 4, 5, 5, 6, 7)


@dataclass(frozen=True)
class Style:
    name: str
    tempo: tuple[int, int]
    progressions: tuple[str, ...]
    drums: tuple[tuple[str, str, str], ...]        # (kick, snare, hat or ride) lines
    kits: tuple[int, ...]
    bass: tuple[str, ...]
    bass_programs: tuple[int, ...]
    piano: tuple[str, ...]
    piano_programs: tuple[int, ...]
    guitar: tuple[str, ...]
    guitar_programs: tuple[int, ...]
    other: tuple[str, ...]
    other_programs: tuple[int, ...]
    melody_density: tuple[float, float] = (0.35, 0.7)
    swing: tuple[float, float] = (0.0, 0.0)         # share of a sixteenth by which off-beats are late
    steps: int = 16                                 # steps in a bar; 12 is 3/4
    seventh: float = 0.1                            # chance that a triad becomes a seventh
    ride: float = 0.15                              # chance that the cymbal line is on the ride
    percussion: float = 0.15                        # chance of shakers, congas, claps
    wet: tuple[float, float] = (-26.0, -12.0)       # reverb level in dB
    tags: tuple[str, ...] = field(default=())


STRINGS = (48, 48, 49, 50, 51)
PADS = (88, 89, 90, 92, 93, 94, 95)
BRASS = (56, 57, 60, 61, 61, 62)
REEDS = (64, 65, 66, 67, 68, 71)
PIPES = (72, 73, 73, 75, 77, 79)
LEADS = (80, 81, 81, 82, 83, 84, 86, 87)
ORGANS = (16, 16, 17, 18, 19, 21)
MALLETS = (8, 9, 10, 11, 12, 13, 14)
BOWED = (40, 41, 42, 44, 45, 46)

TRAINING_STYLES = (
    Style("rock", (100, 150), MAJOR_PROGRESSIONS + MINOR_PROGRESSIONS,
          (("X.....x.X.......", "....X.......X...", "x.x.x.x.x.x.x.x."),
           ("X..x....X.x.....", "....X.......X..o", "X.x.X.x.X.x.X.x."),
           ("X.x.....X.x...x.", "....X.......X...", "x.x.x.x.x.x.x.x."),
           ("X.......X.......", "....X.......X...", "X...X...X...X...")),
          (0, 8, 16), ("eighths", "roots", "riff"), (33, 34, 34, 33, 35), ("block", "eighths", "octaves"),
          ACOUSTIC_PIANOS, ("power", "strum", "riff", "arpeggio"), (29, 30, 29, 27, 25),
          ("pad", "counter", "chords"), ORGANS + STRINGS + LEADS),
    Style("pop", (92, 128), MAJOR_PROGRESSIONS,
          (("X.......X.......", "....X.......X...", "x.x.x.x.x.x.x.x."),
           ("X..x..x...x.....", "....X.......X...", "x.x.x.x.x.x.x.x."),
           ("X...X...X...X...", "....X.......X...", "..x...x...x...x."),
           ("X.....x...x.....", "....X.......X.o.", "xxxxxxxxxxxxxxxx")),
          (0, 8, 24), ("roots", "eighths", "syncopated"), (33, 34, 35, 38, 39), ("block", "arpeggio", "eighths", "ballad"),
          ANY_PIANO, ("strum", "arpeggio", "scratch"), (25, 25, 27, 24, 27),
          ("pad", "counter", "arpeggio"), STRINGS + PADS + LEADS + MALLETS),
    Style("funk", (92, 120), VAMP_PROGRESSIONS,
          (("X..x..x...x..x..", "....X..o.o..X..o", "x.xxx.xxx.xxx.xx"),
           ("X.x....x..x.....", "....X..o.o.oX...", "xxxxxxxxxxxxxxxx"),
           ("X.....x..xx.....", "....X.......X..o", "x.x.x.xxx.x.x.xx")),
          (0, 8), ("funk", "syncopated", "octave"), (36, 37, 33, 34, 33), ("stabs", "eighths", "clav"),
          (4, 5, 7, 7, 0, 4, 1), ("scratch", "scratch", "riff"), (27, 27, 28, 26),
          ("stabs", "counter"), BRASS + ORGANS + REEDS, seventh=0.7, swing=(0.0, 0.15)),
    Style("jazz", (100, 190), JAZZ_PROGRESSIONS,
          (("x.....x.x.......", "......o...o...o.", "X...X.xxX...X.xx"),
           ("x.......x.......", "....o..o.....o..", "X...X.xxX...X.xx"),
           ("x.......x.....x.", "....x.......x...", "X..xX..xX..xX..x")),
          (32, 40, 0), ("walking", "walking", "roots"), (32, 32, 35, 33), ("comp", "stride", "comp", "melody"),
          (0, 0, 0, 1, 4), ("comp", "melody", "strum"), (26, 26, 24),
          ("melody", "counter", "stabs"), REEDS + BRASS + (11, 11), swing=(0.3, 0.36), seventh=0.6, ride=0.8),
    Style("latin", (90, 130), MINOR_PROGRESSIONS + VAMP_PROGRESSIONS,
          (("X..x..x.X..x..x.", "...x..x....x..x.", "x.x.x.x.x.x.x.x."),
           ("X.......X.......", "...X..X....X..X.", "x.xxx.xxx.xxx.xx"),
           ("x...x...x...x...", "..x...x...x.x.x.", "X.xxX.xxX.xxX.xx")),
          (0, 8), ("tumbao", "tumbao", "syncopated"), (32, 33, 35), ("montuno", "montuno", "stabs"), ACOUSTIC_PIANOS,
          ("strum", "arpeggio"), (24, 24, 25), ("stabs", "melody", "counter"), BRASS + PIPES + (114, 12),
          percussion=0.8, seventh=0.3),
    Style("electronic", (118, 140), MINOR_PROGRESSIONS,
          (("X...X...X...X...", "....X.......X...", "..x...x...x...x."),
           ("X...X...X...X...", "....X.......X..x", "xxxxxxxxxxxxxxxx"),
           ("X..x..X...x.X...", "....X.......X...", "x.x.x.x.x.x.x.xx")),
          (24, 25), ("pulse", "offbeat", "octave", "syncopated"), (38, 39, 38, 39), ("stabs", "arpeggio", "block"),
          (0, 0, 1, 2, 4, 5), ("scratch", "arpeggio", "riff"), (27, 28, 25, 29),
          ("arpeggio", "pad", "chords", "melody"), LEADS + LEADS + PADS + (50, 51, 62, 63), percussion=0.3),
    Style("ballad", (60, 84), MAJOR_PROGRESSIONS + MINOR_PROGRESSIONS,
          (("X.......x.......", "....X.......X...", "x.x.x.x.x.x.x.x."),
           ("X.....x.x.......", "....x.......x...", "x...x...x...x..."),
           ("X.........x.....", "........X.......", "x.x.x.x.x.x.x.x.")),
          (0, 8, 40), ("roots", "long", "syncopated"), (33, 35, 32, 33), ("arpeggio", "ballad", "block"), ANY_PIANO,
          ("arpeggio", "strum", "melody"), (24, 25, 27, 29), ("pad", "counter", "melody"), STRINGS + PADS + BOWED + PIPES,
          melody_density=(0.2, 0.45), wet=(-20.0, -9.0), seventh=0.25),
    Style("metal", (120, 180), MINOR_PROGRESSIONS,
          (("X.xxX.xxX.xxX.xx", "....X.......X...", "X...X...X...X..."),
           ("X.X.X.X.X.X.X.X.", "....X.......X...", "X.x.X.x.X.x.X.x."),
           ("XXX.XXX.XXX.XXX.", "....X.......X...", "X...X...X...X...")),
          (16, 8), ("eighths", "riff", "gallop"), (34, 34, 33), ("octaves", "block", "melody"), (0, 1, 2, 1),
          ("chug", "power", "riff"), (30, 30, 29), ("pad", "melody"), STRINGS + LEADS + ORGANS, seventh=0.0),
    Style("folk", (84, 126), MAJOR_PROGRESSIONS,
          (("X.......X.......", "....x.......x...", "x.x.x.x.x.x.x.x."),
           ("X.....x.X.......", "....x..o....x...", "x...x...x...x..."),
           ("x...x...x...x...", "..x...x...x...x.", "x...x...x...x...")),
          (40, 32, 0), ("rootfifth", "roots"), (32, 32, 33, 35), ("block", "arpeggio", "melody"), ACOUSTIC_PIANOS,
          ("strum", "arpeggio", "strum"), (24, 25, 25), ("melody", "counter", "chords"), PIPES + BOWED + (21, 22, 40, 72),
          seventh=0.05),
    Style("reggae", (66, 92), MAJOR_PROGRESSIONS + MINOR_PROGRESSIONS,
          (("........X.......", "........X.......", "x.x.x.x.x.x.x.x."),
           ("X.......X.......", "........X.......", "x..xx..xx..xx..x"),
           ("X...X...X...X...", "....o...X...o...", "x.x.x.x.x.x.x.x.")),
          (0, 8), ("dub", "syncopated", "roots"), (33, 33, 35, 32), ("skank", "stabs"), (0, 0, 1, 4), ("skank", "skank", "riff"),
          (27, 27, 28, 25), ("counter", "stabs", "melody"), ORGANS + BRASS + (22, 66), swing=(0.05, 0.25)),
    Style("disco", (110, 128), MINOR_PROGRESSIONS + VAMP_PROGRESSIONS,
          (("X...X...X...X...", "....X.......X...", "..X...X...X...X."),
           ("X...X...X...X...", "....X..o....X..o", "xxXxxxXxxxXxxxXx")),
          (0, 8, 24), ("octave", "octave", "syncopated"), (33, 34, 38, 36), ("stabs", "eighths", "block"), ANY_PIANO,
          ("scratch", "scratch", "arpeggio"), (27, 28, 27), ("pad", "stabs", "counter"), STRINGS + STRINGS + BRASS,
          seventh=0.5, percussion=0.4),
    Style("hiphop", (78, 100), MINOR_PROGRESSIONS + VAMP_PROGRESSIONS,
          (("X..x...x..X.....", "....X.......X...", "x.x.x.x.x.x.x.x."),
           ("X.....x...X..x..", "....X.......X...", "x.xxx.x.x.xxx.x."),
           ("X.x.......X.....", "....X..o....X..x", "xxxxxxxxxxxxxxxx")),
          (25, 24, 8, 0), ("long", "syncopated", "dub"), (38, 39, 33, 35), ("block", "melody", "arpeggio"), ANY_PIANO,
          ("arpeggio", "riff", "comp"), (24, 26, 27, 28), ("counter", "pad", "chords"), STRINGS + MALLETS + PIPES + LEADS,
          swing=(0.0, 0.3), seventh=0.4),
    Style("country", (96, 140), MAJOR_PROGRESSIONS,
          (("X.......X.......", "....X.......X...", "x.x.x.x.x.x.x.x."),
           ("X...X...X...X...", "..x...x...x...x.", "x.x.x.x.x.x.x.x."),
           ("X.....x.X.....x.", "....X.......X...", "x.xxx.xxx.xxx.xx")),
          (0, 40), ("rootfifth", "walking", "roots"), (32, 33, 34), ("stride", "block", "melody"), (0, 0, 3, 3, 1),
          ("strum", "riff", "arpeggio"), (25, 25, 27, 24), ("melody", "counter", "pad"), (40, 40, 110, 22, 21, 48, 17),
          swing=(0.0, 0.2)),
    Style("blues", (70, 130), BLUES_PROGRESSIONS,
          (("X.......X.......", "....X.......X...", "x.x.x.x.x.x.x.x."),
           ("X.....x.X..x....", "....X.......X..o", "X..xX..xX..xX..x")),
          (0, 8, 32), ("walking", "shuffle", "roots"), (33, 32, 34), ("stride", "comp", "eighths"), (0, 0, 1, 3, 4),
          ("riff", "comp", "melody", "strum"), (27, 29, 26, 25), ("pad", "melody", "stabs"), ORGANS + REEDS + (22, 22, 57),
          swing=(0.25, 0.36), seventh=0.5),
    Style("soul", (72, 112), VAMP_PROGRESSIONS + MAJOR_PROGRESSIONS,
          (("X.....x.X..x....", "....X.......X..o", "x.x.x.x.x.x.x.x."),
           ("X..x....X.x.....", "....X.......X...", "x...x...x...x...")),
          (0, 8), ("syncopated", "funk", "roots"), (33, 33, 34, 35), ("comp", "ballad", "eighths"), (4, 4, 5, 0, 0, 1),
          ("comp", "scratch", "arpeggio"), (26, 27, 27, 24), ("stabs", "pad", "counter"), BRASS + ORGANS + STRINGS,
          seventh=0.6, swing=(0.0, 0.2)),
    Style("cinematic", (64, 110), MINOR_PROGRESSIONS,
          (("X.......x.x.....", "........X.......", "x...x...x...x..."),
           ("X..x..x.X..x..x.", "....x.......x...", "x.x.x.x.x.x.x.x."),
           ("X.......X.......", "....X.......X.xx", "xxxxxxxxxxxxxxxx")),
          (48, 16, 8, 0), ("long", "pulse", "roots"), (32, 35, 38, 33), ("arpeggio", "ballad", "octaves"), ACOUSTIC_PIANOS,
          ("arpeggio", "strum", "melody"), (24, 25, 30, 27), ("pad", "pad", "melody", "counter"),
          STRINGS + STRINGS + BRASS + PIPES + BOWED, wet=(-18.0, -8.0), melody_density=(0.15, 0.4)),
    Style("waltz", (84, 160), MAJOR_PROGRESSIONS + MINOR_PROGRESSIONS,
          (("X...........", "....x...x...", "x...x...x..."), ("X.......x...", "....x...x...", "x.x.x.x.x.x.")),
          (0, 40, 32), ("roots", "rootfifth"), (32, 33, 35), ("waltz", "arpeggio", "melody"), ACOUSTIC_PIANOS,
          ("waltz", "arpeggio"), (24, 25, 26), ("melody", "counter", "pad"), (21, 40, 48, 71, 73, 22, 11), steps=12),
    Style("house", (118, 128), VAMP_PROGRESSIONS + MINOR_PROGRESSIONS,
          (("X...X...X...X...", "....X.......X...", "..X...X...X...X."),
           ("X...X...X...X..x", "....x..x....x...", "x.Xxx.Xxx.Xxx.Xx")),
          (24, 25, 0), ("offbeat", "syncopated", "pulse"), (38, 39, 33, 37), ("stabs", "montuno", "block"), (0, 0, 1, 2, 5),
          ("scratch", "riff", "arpeggio"), (27, 28, 24), ("pad", "chords", "melody", "arpeggio"), PADS + LEADS + ORGANS + (11, 62),
          seventh=0.5, percussion=0.5),
)

# Never drawn in training: the songs with the unseen sound font are in these.
HELD_OUT_STYLES = (
    Style("bossa", (110, 150), JAZZ_PROGRESSIONS,
          (("X..xX..xX..xX..x", "x..x..x...x..x..", "x.x.x.x.x.x.x.x."),
           ("X..xX..xX..xX..x", "..x..x....x..x..", "xxxxxxxxxxxxxxxx")),
          (32, 40, 0), ("rootfifth", "tumbao"), (32, 33, 35), ("comp", "melody", "ballad"), (0, 0, 4, 1),
          ("comp", "arpeggio"), (24, 24, 26), ("melody", "counter", "pad"), PIPES + REEDS + STRINGS + (11,), seventh=0.7,
          percussion=0.4),
    Style("synthwave", (84, 118), MINOR_PROGRESSIONS,
          (("X.......X.......", "....X.......X...", "x.x.x.x.x.x.x.x."),
           ("X...X...X...X...", "....X.......X...", "xxxxxxxxxxxxxxxx")),
          (24, 25, 16), ("pulse", "octave", "eighths"), (38, 39, 39), ("arpeggio", "stabs", "block"), (5, 4, 2, 1, 0),
          ("power", "arpeggio", "melody"), (29, 30, 27), ("arpeggio", "pad", "melody"), LEADS + PADS + (50, 51, 62, 63)),
    Style("gospel", (66, 120), MAJOR_PROGRESSIONS + VAMP_PROGRESSIONS,
          (("X.....x.X.......", "....X.......X...", "x.x.x.x.x.x.x.x."),
           ("X..x..x.X.......", "....X..o....X..o", "x.xxx.xxx.xxx.xx")),
          (0, 8), ("walking", "syncopated", "roots"), (33, 34, 35), ("block", "stride", "octaves"), (0, 0, 1, 2),
          ("comp", "strum", "arpeggio"), (27, 26, 25), ("pad", "chords", "stabs"), ORGANS + ORGANS + BRASS,
          swing=(0.0, 0.34), seventh=0.5),
    Style("ska", (130, 170), MAJOR_PROGRESSIONS,
          (("X...X...X...X...", "....X.......X...", "..x...x...x...x."),
           ("X.......X.......", "....X.......X...", "x.x.x.x.x.x.x.x.")),
          (0, 8, 16), ("walking", "eighths", "rootfifth"), (33, 34, 33), ("skank", "stabs", "octaves"), (0, 1, 3),
          ("skank", "power", "scratch"), (27, 29, 28), ("stabs", "melody", "counter"), BRASS + BRASS + ORGANS + REEDS),
    Style("march", (96, 126), MAJOR_PROGRESSIONS + MINOR_PROGRESSIONS,
          (("X...x...X...x...", "x.xxx.xxx.xxxxxx", "x...x...x...x..."),
           ("X.......X.......", "..x...xx..x...x.", "X.......X.......")),
          (48, 0, 16), ("rootfifth", "roots"), (32, 33, 34), ("octaves", "block", "melody"), (0, 0, 1),
          ("strum", "power", "melody"), (25, 24, 29), ("melody", "chords", "counter"), BRASS + PIPES + STRINGS + (58,), seventh=0.0),
)

STYLES = {style.name: style for style in TRAINING_STYLES + HELD_OUT_STYLES}
