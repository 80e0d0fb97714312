"""The picture of a run in README.md can be drawn again, and shows what README.md says."""

import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import draw_run

GREEN, PLAIN, CLEAR = "\x1b[32m", "\x1b[0m", "\r\x1b[J"


def text_of(lines: list[list[draw_run.Cell]]) -> list[str]:
    """Returns the characters of lines."""
    return ["".join(character for character, _ in line) for line in lines]


class DrawRun(unittest.TestCase):
    def test_the_last_bar_and_what_stays_on_the_screen_are_shown(self) -> None:
        bar = "{clear}[{green}{done}{plain}{left}] {percent} %\r\n{what}\r\x1b[1A"
        frame = {"clear": CLEAR, "green": GREEN, "plain": PLAIN}
        text = bar.format(**frame, done="#", left="---", percent=25, what="reading a long name")
        text += bar.format(**frame, done="####", left="", percent=100, what="finished")
        lines = draw_run.last_screens(f"{text}{CLEAR}rows in   4\r\nrows out  4\r\n")
        self.assertEqual(text_of(lines), ["[####] 100 %", "finished", "rows in   4", "rows out  4"])
        self.assertEqual([is_green for _, is_green in lines[0][:6]], [False, True, True, True, True, False])

    def test_a_control_sequence_that_is_not_known_is_an_error(self) -> None:
        with self.assertRaisesRegex(ValueError, "ESC"):
            draw_run.Screen().write("\x1b[2K")

    def test_a_command_has_a_terminal(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            shown = draw_run.recorded(["sh", "-c", "test -t 1 && test -t 2 && echo a terminal"], Path(folder))
            self.assertEqual(shown, "a terminal\r\n")
            with self.assertRaises(subprocess.CalledProcessError):
                draw_run.recorded(["sh", "-c", "exit 3"], Path(folder))

    def test_the_picture_is_well_formed_and_words_keep_their_columns(self) -> None:
        line = [(character, False) for character in "a <b>   c"]
        root = ElementTree.fromstring(draw_run.svg("quarry & more", [line]))
        texts = [(element.text, element.get("x")) for element in root.iter("{http://www.w3.org/2000/svg}text")]
        first, ninth = (f"{draw_run.MARGIN + column * draw_run.WIDTH_OF_CELL:.1f}" for column in (0, 8))
        self.assertEqual(texts, [("$ quarry & more", first), ("a <b>", first), ("c", ninth)])

    def test_the_picture_in_the_documents_shows_the_summary_that_the_readme_explains(self) -> None:
        readme = (draw_run.ROOT / "README.md").read_text(encoding="utf-8")
        self.assertIn(str(draw_run.PICTURE.relative_to(draw_run.ROOT)), readme)
        root = ElementTree.parse(draw_run.PICTURE).getroot()
        words = " ".join(element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text"))
        for expected in ("quarry run examples/wildlife-strikes", "100 %", "rows in 10,000", "jobs 7", "5.18 USD on Bedrock"):
            self.assertIn(expected, re.sub(" +", " ", words))


if __name__ == "__main__":
    unittest.main()
