#!/usr/bin/env python3
"""Copies headers in such a way that Doxygen understands what they say.

usage: labels.py OUTPUT HEADER …    headers are named from the folder that this runs in

Labels at the start of a line ("Errors:") become commands, plain comments of the C interface become
documentation, and < > # @ and backslashes are only themselves. No line is added or taken away.
"""

import re
import sys
from pathlib import Path

LABEL = re.compile(r"^(\s*///\s*)(Shapes|Errors|Threads|Realtime|Source):\s*")


def escaped(text):
    """Outside `code`, characters that would begin a command, a tag or a link."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if i % 2 else re.sub(r"([\\<>#@])", r"\\\1", part) for i, part in enumerate(parts))


def documented(line):
    """One line of a header."""
    label = LABEL.match(line)
    if label:
        return f"{label[1]}\\{label[2].lower()} {escaped(line[label.end():])}"
    comment = re.match(r"^(.*?//[/!]<?)(.*)$", line)
    return comment[1] + escaped(comment[2]) if comment else line


def documented_c(line):
    """One line of metalaudio.h, whose first comment is that of the whole."""
    line = re.sub(r"^/\* (?=MetalAudio for C)", "/** \\\\file metalaudio.h\n * ", line)
    line = re.sub(r"^(\s*)/\* (?!----)", r"\1/** ", line)
    return re.sub(r"(\S.*)/\* (.*) \*/$", r"\1/**< \2 */", line)


for name in sys.argv[2:]:
    header = Path(name)
    one = documented_c if header.name == "metalaudio.h" else documented
    # That of the C interface is included by its name alone.
    copy = Path(sys.argv[1]) / (header.name if one is documented_c else header)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text("".join(one(line) + "\n" for line in header.read_text().splitlines()))
