"""The processor of a Lambda function: a share of one core, by the memory that it has."""

import os
from pathlib import Path

# A function with this memory has one core, and one with less has less in proportion.
MIB_OF_A_CORE = 1_769
# Lambda divides the time of a core into such periods.
PERIOD_US = 20_000


class Quota:
    """A control group with a share of one core."""

    def __init__(self, memory_mib: int) -> None:
        self.cores = min(memory_mib / MIB_OF_A_CORE, 2.0)
        quota = round(PERIOD_US * self.cores)
        second = Path("/sys/fs/cgroup/cgroup.controllers").exists()
        root = Path("/sys/fs/cgroup") if second else Path("/sys/fs/cgroup/cpu")
        self._folder = root / f"quarry-bench-{os.getpid()}"
        try:
            self._folder.mkdir()
            if second:
                (self._folder / "cpu.max").write_text(f"{quota} {PERIOD_US}")
            else:
                (self._folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
                (self._folder / "cpu.cfs_quota_us").write_text(str(quota))
        except OSError as error:
            raise SystemExit(f"this benchmark limits the processor by a control group, which needs root: {error}") from error

    def enter(self) -> None:
        """Puts the calling process, and all that it starts, into the group."""
        (self._folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self) -> None:
        """Removes the group, whose processes have ended."""
        self._folder.rmdir()
