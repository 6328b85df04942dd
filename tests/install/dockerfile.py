#!/usr/bin/env python3
"""Runs the steps of a Dockerfile in trees of Debian, where there is no engine, and then the image's program.

usage: dockerfile.py CONTEXT BASE WORK [ARGUMENT …]
CONTEXT has the Dockerfile, BASE is a tree of the image that it begins with; ARGUMENTs are those of `docker run`.
For root. Knows what the Dockerfile uses: FROM, WORKDIR, COPY, RUN (with bind mounts), ARG, ENV, USER, ENTRYPOINT, CMD.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

context, base, work = (Path(path).resolve() for path in sys.argv[1:4])


class Stage:
    """One FROM and what follows it."""

    def __init__(self, tree):
        self.tree, self.folder, self.user = tree, "/", None
        self.variables, self.program, self.arguments = {}, [], []
        shutil.rmtree(tree, ignore_errors=True)
        subprocess.run(["cp", "-a", base, tree], check=True)
        shutil.copy("/etc/resolv.conf", tree / "etc/resolv.conf")

    def path(self, name):
        """A path of the image, as of its folder, out here."""
        return self.tree / os.path.join(self.folder, name).lstrip("/")

    def run(self, command):
        inside = 'cd "$0" && exec "$@"'
        user = [f"--userspec={self.user}"] if self.user else []
        people = [line.split(":") for line in (self.tree / "etc/passwd").read_text().splitlines()]
        home = next(person[5] for person in people if person[0] == (self.user or "root"))
        variables = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home,
                     "DEBIAN_FRONTEND": "noninteractive", **self.variables}
        mounts = [self.tree / name for name in ("proc", "dev/pts")]
        for place, kind in zip(mounts, ("proc", "devpts")):
            place.mkdir(exist_ok=True)
            subprocess.run(["mount", "-t", kind, kind, place], check=True)
        try:
            subprocess.run(["chroot", *user, self.tree, "sh", "-c", inside, self.folder, *command], env=variables,
                           check=True)
        finally:
            for place in reversed(mounts):
                subprocess.run(["umount", "--lazy", place], check=True)


def instructions(text):
    """(word, rest) of each instruction; comments go, lines that go on are joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), rest.strip()


def ignored(path):
    """What .dockerignore keeps out of the context: its lines are names, at the top or after **/ anywhere."""
    for line in (context / ".dockerignore").read_text().split():
        name = line.removeprefix("**/")
        if path.parts[0] == line or (name != line and name in path.parts):
            return True
    return False


def copy_context(stage, names, target):
    for name in names:
        found = [context / name] if (context / name).is_file() else [
            path for path in (context / name).rglob("*") if path.is_file() or path.is_symlink()]
        for path in found:
            inner = path.relative_to(context)
            if ignored(inner):
                continue
            to = stage.path(target) / (path.name if path == context / name else path.relative_to(context / name))
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to, follow_symlinks=False)


def run_step(stage, stages, rest):
    mounts = []
    while match := re.match(r"--mount=(\S+)\s+", rest):
        rest = rest[match.end():]
        option = dict(part.split("=", 1) for part in match[1].split(","))
        assert option["type"] == "bind", match[1]
        place = stage.path(option["target"])
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", stages[option["from"]].path(option["source"]), place], check=True)
        mounts.append(place)
    try:
        stage.run(["sh", "-c", rest])
    finally:
        for place in mounts:
            subprocess.run(["umount", place], check=True)


def build():
    stages, stage = {}, None
    for word, rest in instructions((context / "Dockerfile").read_text()):
        print(f"--- {word} {rest}", flush=True)
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            assert image == "debian:bookworm-slim", image
            stage = Stage(work / (name or "image"))
            stages[name] = stage
        elif word == "WORKDIR":
            stage.folder = os.path.join(stage.folder, rest)
            stage.path(".").mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            *names, target = shlex.split(rest)
            copy_context(stage, names, target)
        elif word in ("ARG", "ENV"):
            name, _, value = rest.partition("=")
            stage.variables[name] = value
        elif word == "USER":
            stage.user = rest
        elif word == "RUN":
            run_step(stage, stages, rest)
        elif word == "ENTRYPOINT":
            stage.program = json.loads(rest)
        elif word == "CMD":
            stage.arguments = json.loads(rest)
        else:
            sys.exit(f"{word}: not known to this test")
    return stage


work.mkdir(parents=True, exist_ok=True)
image = build()
assert image.user, "the image runs as root"
size = int(subprocess.run(["du", "-sm", image.tree], capture_output=True, text=True, check=True).stdout.split()[0])
print(f"--- the image has {size} MB", flush=True)
image.run(image.program + image.arguments)
# What `docker run -v folder:/data` does.
data = image.path("/data")
shutil.copy(context / "models/demo_clip.ogg", data)
os.chmod(data, 0o777)
image.run(image.program + ["separate", "demo_clip.ogg", "-o", "stems", "-q"])
stems = list((data / "stems").rglob("*.wav"))
assert len(stems) == 6, stems
assert all(path.stat().st_uid == 1000 for path in stems), "the stems belong to root"
assert not list((image.tree / "source").glob("*")), "sources are in the image"
print("--- six stems")
