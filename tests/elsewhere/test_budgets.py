"""The limits on the functions' size and start time."""

import re
import statistics
import time
import unittest

from release import CONTROL_FUNCTIONS, FUNCTIONS, binary
from runtime_api import start_seconds

CONTROL_BYTES = 12_000_000
DATA_BYTES = 25_250_000
STARTS = 15
START_SECONDS = 0.015
# On a busy machine a slow start proves nothing, so the measurement is repeated, but not for ever.
SERIES = 20
PAUSE_SECONDS = 0.5
# The version of provided.al2023.
GLIBC = (2, 34)


class Budgets(unittest.TestCase):
    def test_there_are_nine_functions(self) -> None:
        self.assertEqual(len(FUNCTIONS), 9)
        self.assertLess(CONTROL_FUNCTIONS, set(FUNCTIONS))

    def test_a_function_is_small(self) -> None:
        for function in FUNCTIONS:
            most = CONTROL_BYTES if function in CONTROL_FUNCTIONS else DATA_BYTES
            with self.subTest(function):
                self.assertLessEqual(binary(function).stat().st_size, most)

    def test_a_function_is_ready_for_work_within_15_milliseconds(self) -> None:
        for function in FUNCTIONS:
            with self.subTest(function):
                start_seconds(function)  # The first start reads the file from the disk.
                medians = []
                for _ in range(SERIES):
                    medians.append(statistics.median(start_seconds(function) for _ in range(STARTS)))
                    if medians[-1] <= START_SECONDS:
                        break
                    time.sleep(PAUSE_SECONDS)
                self.assertLessEqual(min(medians), START_SECONDS)

    def test_a_function_runs_with_the_c_library_of_lambda(self) -> None:
        for function in FUNCTIONS:
            with self.subTest(function):
                asked = {(int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", binary(function).read_bytes())}
                self.assertTrue(asked)
                self.assertLessEqual(max(asked), GLIBC)


if __name__ == "__main__":
    unittest.main()
