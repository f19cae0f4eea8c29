"""The memory file of STATS, as the fake data plane keeps it."""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import time
from typing import Dict, Tuple

import fastpath_client as fp


class StatisticsArea:
    """A sealed memory file with the counters; `refresh` writes their values."""

    def __init__(self, counters: Dict[str, int]):
        self.names: Tuple[str, ...] = tuple(counters)
        octets = [name.encode() for name in self.names]
        names_at = fp.STATS_HEAD.size + fp.STATS_ITEM.size * len(octets)
        self._values_at = (names_at + sum(map(len, octets)) + 7) // 8 * 8
        self.size = self._values_at + 8 * len(octets)
        descriptor = os.memfd_create("fastpath-statistics", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, self.size)
        self._area = mmap.mmap(descriptor, self.size)
        for index, name in enumerate(octets):
            fp.STATS_ITEM.pack_into(self._area, fp.STATS_HEAD.size + fp.STATS_ITEM.size * index, names_at, len(name), 0,
                                    self._values_at + 8 * index)
            self._area[names_at:names_at + len(name)] = name
            names_at += len(name)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | 0x10 | fcntl.F_SEAL_SEAL  # 0x10: F_SEAL_FUTURE_WRITE
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        self.descriptor = descriptor
        self._sequence = 0
        self.refresh(counters)

    def refresh(self, counters: Dict[str, int], superseded: bool = False) -> None:
        """Writes values of the names that the area has."""
        self._head(self._sequence + 1, superseded)
        struct.pack_into(f"<{len(self.names)}Q", self._area, self._values_at,
                         *[counters.get(name, 0) for name in self.names])
        self._sequence += 2
        self._head(self._sequence, superseded)

    def _head(self, sequence: int, superseded: bool) -> None:
        fp.STATS_HEAD.pack_into(self._area, 0, fp.STATS_MAGIC, 1, int(superseded), sequence, time.monotonic_ns(),
                                fp.STATS_HEAD.size, len(self.names), b"")
