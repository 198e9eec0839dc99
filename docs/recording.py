"""Record what a command shows on a terminal, as an SVG that plays in a browser.

usage: recording.py OUTPUT.svg COMMAND...

Waits are shortened, and said to be; the time in which nothing happens is of no interest.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from html import escape
from pathlib import Path
from typing import Iterator, NamedTuple

COLUMNS, ROWS = 80, 24
LONGEST_PAUSE_S = 0.25
LONGEST_TICK_S = 0.04  # before a line is written over, as a clock does
BEFORE_A_COMMAND_S = 1.5  # to read what the last one answered
AT_THE_END_S = 6.0
LETTER_X, LINE_Y = 8.4, 18
TYPED = ' class="typed"'
PROMPT = re.compile(r"(?:\A|\n)(?:\x1b\[1m)?\$ ")
_CONTROL = re.compile(
    r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b.|[\x00-\x07\x0b-\x0c\x0e-\x1a]"
)


class Shown(NamedTuple):
    """One line of the screen, from when to when."""

    row: int
    text: str
    begin_s: float
    end_s: float


def recorded(command: list[str]) -> Iterator[tuple[float, str]]:
    """Run the command at a terminal; yield what it writes, and when."""
    import pty  # which Windows has not; pictures are made of what was recorded there too

    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": str(COLUMNS)}
    subprocess.run(["stty", "rows", str(ROWS), "cols", str(COLUMNS)], stdin=theirs, check=True)
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ)
    os.close(theirs)
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        if not chunk:
            break
        yield time.monotonic(), chunk.decode("utf-8", "replace")
    os.close(ours)
    if process.wait():
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}")


def lines_shown(chunks: Iterator[tuple[float, str]], names: dict[str, str]) -> list[Shown]:
    """Return each line that was on the screen, with its time, waits shortened."""
    screen, column = [""], 0
    before: list[tuple[str, float]] = []
    shown: list[Shown] = []
    last_s, now_s = None, 0.0
    for at_s, text in chunks:
        longest_s = LONGEST_TICK_S if text.startswith("\r") else LONGEST_PAUSE_S
        now_s += min(longest_s, at_s - last_s) if last_s is not None else 0.5
        now_s += BEFORE_A_COMMAND_S if re.search(PROMPT, text) else 0.0
        last_s = at_s
        for old, new in names.items():
            text = re.sub(old, new, text)
        for letter in _CONTROL.sub("", text):
            if letter == "\n":
                screen, column = [*screen, ""][-ROWS:], 0
            elif letter == "\r":
                column = 0
            elif letter == "\b":
                column = max(0, column - 1)
            else:
                if column == COLUMNS:
                    screen, column = [*screen, ""][-ROWS:], 0
                line = screen[-1].ljust(column)
                screen[-1] = line[:column] + letter + line[column + 1 :]
                column += 1
        after = []
        for row, line in enumerate(line.rstrip() for line in screen):
            is_same = row < len(before) and before[row][0] == line
            after.append(before[row] if is_same else (line, now_s))
            if not is_same and row < len(before):
                shown.append(Shown(row, *before[row], now_s))
        before = after
    end_s = now_s + AT_THE_END_S
    shown += [Shown(row, text, begin_s, end_s) for row, (text, begin_s) in enumerate(before)]
    return [line for line in shown if line.text and line.end_s - line.begin_s > 0.05]


def as_svg(shown: list[Shown]) -> str:
    """Return the picture: each line comes and goes at its time, again and again."""
    whole_s = max(line.end_s for line in shown)
    width, height = COLUMNS * LETTER_X + 24, ROWS * LINE_Y + 24
    lines = "\n".join(
        f'<text x="12" y="{(line.row + 1) * LINE_Y + 8}" visibility="hidden"'
        f"{TYPED if line.text.startswith('$ ') else ''}>{escape(line.text)}"
        f'<set attributeName="visibility" to="visible" begin="t.begin+{line.begin_s:.2f}s" '
        f'end="t.begin+{line.end_s:.2f}s"/></text>'
        for line in shown
    )
    box = f"0 0 {width:.0f} {height}"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img">
<title>A recording of make demo, with its waits shortened</title>
<style>text {{ font: 14px monospace; fill: #d8dee9; white-space: pre; }}
.typed {{ fill: #ffffff; font-weight: bold; }}</style>
<rect width="100%" height="100%" rx="6" fill="#1e222a">
<animate id="t" attributeName="x" begin="0s;t.end" dur="{whole_s:.2f}s" from="0" to="0"/></rect>
{lines}
</svg>
"""


def main() -> None:
    output, command = Path(sys.argv[1]), sys.argv[2:]
    project = re.escape(str(Path(__file__).parent.parent))
    names = {project: "boot2docker_py", r"/tmp/tmp\.\w+": "/tmp/demo"}
    output.write_text(as_svg(lines_shown(recorded(command), names)), "utf-8")


if __name__ == "__main__":
    main()
