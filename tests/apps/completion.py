#!/usr/bin/env python3
"""Completion of metalaudio in real shells: keys go to a terminal, and the line that comes of them is read.

usage: completion.py SHELL PROGRAM SCRIPTS WORK    SCRIPTS: the folder of the scripts for the shells
"""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

# Typed before Tab, and what it becomes. "^" is where no space may follow.
LINES = [
    ("metalaudio sep", "metalaudio separate "),
    ("metalaudio models ge", "metalaudio models get "),
    ("metalaudio models get htdemucs_f", "metalaudio models get htdemucs_ft "),
    ("metalaudio models path demo", "metalaudio models path demo_6s "),
    ("metalaudio separate -n dem", "metalaudio separate -n demo_6s "),
    ("metalaudio separate --two-stems pi", "metalaudio separate --two-stems piano "),
    ("metalaudio separate --stems vocals,dr", "metalaudio separate --stems vocals,drums^"),
    ("metalaudio separate --device=cp", "metalaudio separate --device=cpu "),
    ("metalaudio separate --precision fp3", "metalaudio separate --precision fp32 "),
    ("metalaudio separate a.wav --skip", "metalaudio separate a.wav --skip-existing "),
    ("metalaudio amp preamp_", "metalaudio amp preamp_lstm "),
    ("metalaudio separate my", "metalaudio separate my\\ song.wav "),
    ("metalaudio separate -- --t", "metalaudio separate -- --tune.wav "),
    ("metalaudio separate --list=tr", "metalaudio separate --list=tracks.txt "),
    ("metalaudio separate --repo fo", "metalaudio separate --repo folder/^"),
    ("metalaudio separate --mp3 --fla", "metalaudio separate --mp3 --fla^"),
]
# What is listed where several fit, and what is not.
LIST = ("metalaudio separate --mp", ["--mp3", "--mp3-bitrate", "--mp3-preset"], ["--mode"])

START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
SETUP = {
    "bash": "PS1='> '; bind 'set enable-bracketed-paste off'; bind 'set show-all-if-ambiguous on'; "
    "bind 'set page-completions off'; "
    "bind -x '\"\\C-t\": printf \"\\nLINE{%s}\\n\" \"$READLINE_LINE\"'; source {scripts}/metalaudio.bash\n",
    "zsh": "PS1='> '; fpath=({scripts} $fpath); autoload -Uz compinit; compinit -u -D; unsetopt zle_bracketed_paste; "
    "show() { print -r -- $'\\n'\"LINE{$BUFFER}\" }; zle -N show; bindkey '^T' show; LISTMAX=1000; setopt no_list_ambiguous\n",
}


class Terminal:
    def __init__(self, shell, folder, scripts):
        self.process, self.end = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvp(START[shell][0], START[shell])
        self.type(SETUP[shell].replace("{scripts}", scripts))
        self.type("echo REA''DY\n")
        self.read("READY")

    def type(self, keys):
        os.write(self.end, keys.encode())

    def read(self, until):
        """What is printed up to a pattern and a moment after it."""
        text, limit = "", time.monotonic() + 60
        while not re.search(until, text):
            if not select.select([self.end], [], [], max(0.0, limit - time.monotonic()))[0]:
                sys.exit(f"The shell did not print {until!r}, but: {text!r}")
            text += os.read(self.end, 65536).decode(errors="replace")
        return text

    def line_after(self, keys):
        """The line that the keys and a Tab make, and all that was shown on the way."""
        self.type("\x05\x15" + keys + "\t\x14")
        shown = self.read(r"LINE\{[^}]*\}")
        return re.findall(r"LINE\{([^}]*)\}", shown)[-1], shown


def fish_line(keys):
    """fish says itself what it would offer, a candidate and its description a line."""
    typed = subprocess.run(["fish", "--no-config", "-c",
                            f"source $argv[1]/metalaudio.fish; complete -C $argv[2]", scripts, keys],
                           capture_output=True, text=True, check=True).stdout
    return [line.split("\t")[0] for line in typed.splitlines()], typed


def check(wanted, got, keys):
    if wanted != got:
        print(f"{shell}: {keys!r} became {got!r}, expected {wanted!r}")
        failures.append(keys)


shell, program, scripts, work = sys.argv[1:]
failures = []
shutil.rmtree(work, ignore_errors=True)
os.makedirs(f"{work}/bin")
os.makedirs(f"{work}/tracks/folder")
os.symlink(program, f"{work}/bin/metalaudio")
for name in ["my song.wav", "--tune.wav", "tracks.txt", "fourth.wav"]:
    open(f"{work}/tracks/{name}", "w").close()
os.environ.update(PATH=f"{work}/bin:{os.environ['PATH']}", HOME=work, TERM="dumb", LC_ALL="C.UTF-8", COLUMNS="200")
for name in ["METALAUDIO_MODEL_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "INPUTRC", "ZDOTDIR"]:
    os.environ.pop(name, None)
os.chdir(f"{work}/tracks")

_, there, absent = LIST
if shell == "fish":
    for keys, wanted in LINES:
        if "-- " in keys:  # fish itself offers no files that begin like options
            continue
        candidates = fish_line(keys)[0]
        word = wanted.rstrip(" ^").replace("\\ ", "\0").split(" ")[-1].replace("\0", " ")
        check([] if wanted.startswith(keys + "^") else [word], candidates, keys)
    check(there, fish_line(LIST[0])[0], LIST[0])
    if "Bit rate of MP3" not in fish_line(LIST[0])[1]:
        failures.append("descriptions")
else:
    terminal = Terminal(shell, f"{work}/tracks", scripts)
    for keys, wanted in LINES:
        check(wanted.rstrip("^"), terminal.line_after(keys)[0], keys)
    shown = terminal.line_after(LIST[0])[1]
    for word in there:
        if not re.search(re.escape(word) + r"\s", shown):
            check(word, shown, LIST[0])
    for word in absent:
        if word in shown:
            check(f"no {word}", shown, LIST[0])
    terminal.type("\x05\x15exit\n")
sys.exit(1 if failures else 0)
