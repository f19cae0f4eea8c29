"""The daemon's counters in a memory file that it refreshes: reading them asks nothing of it."""

from __future__ import annotations

import mmap
import os
import struct
import time
from typing import Dict, Tuple

from .protocol import STATS_HEAD, STATS_ITEM, STATS_MAGIC, ProtocolError


class Statistics:
    """A mapped area of counters. Close it, or use it as a context manager."""

    def __init__(self, descriptor: int, size: int):
        """Takes the descriptor over."""
        try:
            if size < STATS_HEAD.size or os.fstat(descriptor).st_size < size:
                raise ProtocolError("the area of the statistics is smaller than the reply says")
            self._area = mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ)
        finally:
            os.close(descriptor)
        magic, version, _, _, _, directory, count, _ = STATS_HEAD.unpack_from(self._area)
        if magic != STATS_MAGIC or version != 1:
            raise ProtocolError("the area of the statistics is of another version")
        #: offset of the value by name
        self._places: Dict[str, int] = {}
        for index in range(count):
            name, length, _, value = STATS_ITEM.unpack_from(self._area, directory + index * STATS_ITEM.size)
            if max(name + length, value + 8) > size:
                raise ProtocolError("a counter lies outside the area of the statistics")
            self._places[self._area[name:name + length].decode()] = value

    def __enter__(self) -> "Statistics":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the mapping back."""
        self._area.close()

    @property
    def superseded(self) -> bool:
        """The names have changed: ask the client for `stats()` again."""
        return bool(STATS_HEAD.unpack_from(self._area)[2] & 1)

    def read(self) -> Tuple[int, Dict[str, int]]:
        """Nanoseconds of CLOCK_MONOTONIC of the last refresh, and all counters as they were then."""
        for _ in range(10_000):
            before = STATS_HEAD.unpack_from(self._area)
            octets = self._area[:]
            after = STATS_HEAD.unpack_from(self._area)
            if before[3] == after[3] and not before[3] & 1:
                return before[4], {name: struct.unpack_from("<Q", octets, at)[0] for name, at in self._places.items()}
            time.sleep(0.0001)
        raise ProtocolError("the area of the statistics stays in the middle of a refresh")
