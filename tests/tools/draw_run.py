#!/usr/bin/env python3
"""Draws docs/run.svg, the picture of a run in README.md: runs the example in a terminal of its own, and draws
what the terminal showed.

    tests/tools/draw_run.py [the quarry binary]

Without a binary it builds one with cargo. Run it again when the output of `quarry run` changes.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs/run.svg"
EXAMPLE = "examples/wildlife-strikes"
COLUMNS, ROWS = 100, 50

# Clears from the cursor to the end of the screen. The command sends it before each drawing of the bar, and at last.
CLEAR = "\x1b[J"
CONTROL = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")

# Its character, and whether it is green.
Cell = tuple[str, bool]


class Screen:
    """The text of a terminal, as far as the command uses one."""

    def __init__(self) -> None:
        self.lines: list[list[Cell]] = [[]]
        self.row = self.column = 0
        self.is_green = False

    def write(self, text: str) -> None:
        """Shows text with control sequences."""
        at = 0
        while at < len(text):
            control = CONTROL.match(text, at)
            if control:
                self._control(control[1], control[2])
                at = control.end()
            else:
                self._character(text[at])
                at += 1

    def _control(self, parameter: str, command: str) -> None:
        match command:
            case "J" if parameter == "":
                del self.lines[self.row + 1 :]
                del self.lines[self.row][self.column :]
            case "A":
                self.row = max(0, self.row - int(parameter or 1))
            case "m":
                self.is_green = parameter == "32"
            case _:
                raise ValueError(f"the control sequence ESC [{parameter}{command} is not known: add it to {Path(__file__).name}")

    def _character(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append([])
        else:
            line = self.lines[self.row]
            line.extend([(" ", False)] * (self.column - len(line)))
            line[self.column : self.column + 1] = [(character, self.is_green)]
            self.column += 1

    def shown(self) -> list[list[Cell]]:
        """Returns the lines without empty ones at the end."""
        lines = [list(line) for line in self.lines]
        while lines and not lines[-1]:
            lines.pop()
        return lines


def recorded(command: Sequence[str | Path], folder: Path) -> str:
    """Returns everything that a command writes to a terminal in which it runs."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm-256color"}
    process = subprocess.Popen(command, cwd=folder, env=variables, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = bytearray()
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # Linux's way to say that the other end is closed.
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    if process.wait() != 0:
        raise subprocess.CalledProcessError(process.returncode, [str(part) for part in command], written)
    return written.decode()


def last_screens(text: str) -> list[list[Cell]]:
    """Returns the last drawing of the bar, and below it what stays on the screen."""
    before, _, after = text.rpartition(CLEAR)
    bar, rest = Screen(), Screen()
    bar.write(before)
    rest.write(after.lstrip("\r"))
    return bar.shown() + rest.shown()


WIDTH_OF_CELL, HEIGHT_OF_LINE, MARGIN, HEAD = 8.4, 20, 16, 34
COLOURS = {False: "#d4d8de", True: "#7ec77b"}


def svg(title: str, lines: list[list[Cell]]) -> str:
    """Returns a picture of lines in a terminal, with the title as its first line."""
    all_lines = [[(character, False) for character in f"$ {title}"], *lines]
    width = round(max(len(line) for line in all_lines) * WIDTH_OF_CELL) + 2 * MARGIN
    height = HEAD + len(all_lines) * HEIGHT_OF_LINE + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#1d2127"/>',
        *(f'<circle cx="{MARGIN + 6 + 20 * at}" cy="17" r="6" fill="#4a515c"/>' for at in range(3)),
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" xml:space="preserve">',
    ]
    for number, line in enumerate(all_lines):
        y = HEAD + number * HEIGHT_OF_LINE + 16
        parts += (_run(y, column, text, is_green) for column, text, is_green in runs(line))
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _run(y: int, column: int, text: str, is_green: bool) -> str:
    # The length keeps the columns below each other, whatever font the reader has.
    x, length = round(MARGIN + column * WIDTH_OF_CELL, 1), round(len(text) * WIDTH_OF_CELL, 1)
    return f'<text x="{x}" y="{y}" textLength="{length}" fill="{COLOURS[is_green]}">{escape(text)}</text>'


def runs(line: list[Cell]) -> list[tuple[int, str, bool]]:
    """Returns the words of a line with their columns. Characters of one colour with at most one space between them are one."""
    found: list[tuple[int, str, bool]] = []
    for column, (character, is_green) in enumerate(line):
        if character == " ":
            continue
        if found:
            begin, text, colour = found[-1]
            gap = column - begin - len(text)
            if colour == is_green and gap <= 1:
                found[-1] = (begin, text + " " * gap + character, colour)
                continue
        found.append((column, character, is_green))
    return found


def main(arguments: list[str]) -> None:
    """Draws the picture."""
    if arguments:
        quarry = Path(arguments[0]).resolve()
    else:
        subprocess.run(["cargo", "build", "-p", "quarry"], cwd=ROOT, check=True)
        quarry = ROOT / "target/debug/quarry"
    with tempfile.TemporaryDirectory() as folder:
        # The command shows the paths that it was given.
        (Path(folder) / "examples").symlink_to(ROOT / "examples")
        text = recorded([quarry, "run", EXAMPLE], Path(folder))
    PICTURE.write_text(svg(f"quarry run {EXAMPLE}", last_screens(text)), encoding="utf-8")
    print(f"drew {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
