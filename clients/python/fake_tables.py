"""The tables of the fake data plane: dictionaries with owners, stale marks, digests and the news of changes."""

from __future__ import annotations

import ipaddress
import os
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

import fastpath_client as fp
from fake_events import News, key_items, record_items
from fake_forms import wrong_value

ORDER = (fp.PEERS, fp.TUNNELS, fp.VISITORS, fp.BINDINGS, fp.ROUTES)
#: More changes than this in one operation are told as one event.
BULK = 1024
Key = Tuple[object, ...]
Deletion = Tuple[Union[fp.Record, fp.Revocation], Optional[str]]


class Refusal(Exception):
    """A request that ends in another status than ok."""

    def __init__(self, code: int, field: str, rule: str, index: Optional[int] = None):
        super().__init__(rule)
        self.outcome = fp.Outcome(failed=0 if index is None else 1, index=index, code=code, field=field, rule=rule)


def key_of(record: fp.Record) -> Key:
    """What tells a record from the others of its table."""
    if isinstance(record, fp.Binding):
        return (record.table, record.prefix)
    if isinstance(record, fp.Tunnel):
        return (record.local, record.remote)
    if isinstance(record, fp.Route):
        return (record.source, record.destination)
    return (record.address,) if isinstance(record, fp.Peer) else (record.prefix,)


def _fail(outcome: fp.Outcome, index: int, code: int, field: str, rule: str) -> None:
    """Counts a record that is refused while others are applied."""
    outcome.failed += 1
    if outcome.index is None:
        outcome.index, outcome.code, outcome.field, outcome.rule = index, code, field, rule


class FakeTables:
    """All tables. `refuse` lets a test make the plane refuse: it gets each record and returns (field, rule) or None."""

    def __init__(self, ports: Tuple[str, ...]):
        self.ports = ports
        self.tables: Dict[int, Dict[Key, fp.Record]] = {table: {} for table in ORDER}
        self.digests: Dict[int, int] = {table: 0 for table in ORDER}
        self.generation = 0
        self.boot_id = os.urandom(16)
        self.refuse: Callable[[fp.Record], Optional[Tuple[str, str]]] = lambda record: None
        #: gets the news of every change
        self.tell: Callable[[News], None] = lambda news: None
        #: owner and synchronisation number at which each entry was said
        self._said: Dict[Tuple[int, Key], Tuple[int, int]] = {}
        self._numbers: Dict[Tuple[int, int], int] = {}
        #: grows with each new entry; the order in which dumps have them
        self._serials: Dict[Tuple[int, Key], int] = {}
        self._last_serial = 0

    def check(self, record: fp.Record) -> Optional[Tuple[str, str]]:
        """Rules that need more than the record itself."""
        name = getattr(record, "port", None)
        if name is not None and name not in self.ports:
            return ("port" if isinstance(record, fp.Visitor) else "access.port", f"no access port is named \"{name}\"")
        return self.refuse(record)

    @staticmethod
    def check_forms(records: Sequence[fp.Record]) -> None:
        """Refuses the first record that is wrong in itself, and its frame with it."""
        for index, record in enumerate(records):
            if wrong := wrong_value(record):
                raise Refusal(fp.INVALID, *wrong, index)

    def check_all(self, records: Sequence[fp.Record]) -> None:
        """Refuses the first record that breaks a rule."""
        self.check_forms(records)
        for index, record in enumerate(records):
            if wrong := self.check(record):
                raise Refusal(fp.INVALID, *wrong, index)

    def upsert(self, records: List[fp.Record], owner: int = 0, atomic: bool = True) -> fp.Outcome:
        """Sets all records or, if atomic, none; otherwise those that break no rule."""
        if atomic:
            self.check_all(records)
        self.check_forms(records)
        outcome, news = fp.Outcome(), News("changed", owner)
        for index, record in enumerate(records):
            wrong = self.check(record)
            if wrong:
                _fail(outcome, index, fp.INVALID, *wrong)
            elif self._set(record, owner):
                outcome.applied += 1
                news.add([("operation", "set"), ("owner", str(owner))] + record_items(record))
            else:
                outcome.unchanged += 1
        return self._published(outcome, news)

    def delete(self, keys: Sequence[Deletion], owner: int = 0, atomic: bool = True) -> fp.Outcome:
        """Deletes by key; if atomic, `expect` is checked for all before anything goes."""
        if atomic:
            for index, (record, expect) in enumerate(keys):
                wrong = self._wrong_remote(record, expect)
                if wrong:
                    raise Refusal(fp.STALE, "expect", wrong, index)
        outcome, news = fp.Outcome(), News("revoked", owner)
        for index, (record, expect) in enumerate(keys):
            wrong = self._wrong_remote(record, expect)
            if wrong:
                _fail(outcome, index, fp.STALE, "expect", wrong)
                continue
            gone = list(self._revoked(record)) if isinstance(record, fp.Revocation) else [record]
            removed = sum([self._remove(one, news) for one in gone])
            outcome.applied += removed
            outcome.unchanged += 0 if isinstance(record, fp.Revocation) else 1 - removed
        return self._published(outcome, news)

    def replace(self, tables: Iterable[int], records: Iterable[fp.Record], owner: int) -> fp.Outcome:
        """Makes the records the whole content of these tables."""
        outcome, news = fp.Outcome(), News("replaced", owner)
        wanted: Dict[Tuple[int, Key], fp.Record] = {(fp.table_of(one), key_of(one)): one for one in records}
        for table in tables:
            for key, record in list(self.tables[table].items()):
                if (table, key) not in wanted:
                    outcome.failed += self._remove(record, news)
        for record in wanted.values():
            if self._set(record, owner):
                outcome.applied += 1
                news.add([("operation", "set"), ("owner", str(owner))] + record_items(record))
            else:
                outcome.unchanged += 1
        return self._published(outcome, news)

    def begin_sync(self, tables: Iterable[int], owner: int) -> None:
        """Makes the owner's entries stale."""
        for table in tables:
            self._numbers[(owner, table)] = self._numbers.get((owner, table), 0) + 1

    def sync_number(self, owner: int) -> int:
        """Another one after each `begin_sync` of this owner."""
        return sum(number for (one, _), number in self._numbers.items() if one == owner)

    def end_sync(self, tables: Sequence[int], owner: int, count: int) -> fp.Outcome:
        """Removes the owner's stale entries if it has said as many others."""
        mine = [(table, key) for (table, key), (one, _) in self._said.items() if one == owner and table in tables]
        stale = [place for place in mine if self._is_stale(*place)]
        if len(mine) - len(stale) != count:
            raise Refusal(fp.CONFLICT, "count", f"the owner has {len(mine) - len(stale)} entries, {count} were said")
        outcome, news = fp.Outcome(), News("swept", owner)
        outcome.failed = sum([self._remove(self.tables[table][key], news) for table, key in stale])
        return self._published(outcome, news)

    def has_stale(self, table: int) -> bool:
        """Whether an entry of the table was not said again."""
        return any(self._is_stale(table, key) for key in self.tables[table])

    def lookup(self, kind: int, one: str, other: str, length: int, second_length: int) -> List[fp.Record]:
        """Records by address, prefix, tunnel or route."""
        if kind == 1:
            found = self._longest(one)
            return [found] if found else []
        if kind == 2:
            prefix = f"{one}/{length}"
            return [record for number in (fp.BINDINGS, fp.VISITORS, fp.ROUTES)
                    for record in self.tables[number].values()
                    if prefix == (record.source if isinstance(record, fp.Route) else getattr(record, "prefix", None))]
        number, key = (fp.TUNNELS, (one, other)) if kind == 3 else (
            fp.ROUTES, (f"{one}/{length}", f"{other}/{second_length}"))
        record = self.tables[number].get(key)
        return [record] if record else []

    def _wrong_remote(self, record: Union[fp.Record, fp.Revocation], expect: Optional[str]) -> Optional[str]:
        present = None if isinstance(record, fp.Revocation) else self._get(record)
        if expect is not None and isinstance(present, fp.Binding) and present.remote != expect:
            return f"the tunnel's remote is {present.remote}"
        return None

    def entries_after(self, table: int, serial: int) -> List[Tuple[int, fp.Record]]:
        """The entries of a table that came after the one with this number, with theirs: for a dump that goes on."""
        return [(self._serials[(table, key)], record) for key, record in self.tables[table].items()
                if self._serials[(table, key)] > serial]

    def _get(self, record: fp.Record) -> Optional[fp.Record]:
        return self.tables[fp.table_of(record)].get(key_of(record))

    def _is_stale(self, table: int, key: Key) -> bool:
        owner, number = self._said[(table, key)]
        return number < self._numbers.get((owner, table), 0)

    def _set(self, record: fp.Record, owner: int) -> bool:
        """Whether that changed something."""
        number, key = fp.table_of(record), key_of(record)
        present = self.tables[number].get(key)
        # A peer that is alive has no record.
        wanted = None if isinstance(record, fp.Peer) and record.state == "alive" else record
        changes = present != wanted
        if changes and not wanted:
            self._drop(number, key)
        if wanted:
            self._said[(number, key)] = (owner, self._numbers.get((owner, number), 0))
        if changes and wanted:
            if present is None:
                self._last_serial += 1
                self._serials[(number, key)] = self._last_serial
            self.tables[number][key] = wanted
            gone = fp.digest([present]) if present else 0
            self.digests[number] = (self.digests[number] + fp.digest([wanted]) - gone) % (1 << 64)
        return changes

    def _remove(self, record: fp.Record, news: News) -> int:
        """1 if the entry was there."""
        number, key = fp.table_of(record), key_of(record)
        if key not in self.tables[number]:
            return 0
        self._drop(number, key)
        news.add([("operation", "delete"), ("owner", str(news.owner))] + key_items(record))
        return 1

    def _drop(self, number: int, key: Key) -> None:
        gone = self.tables[number].pop(key, None)
        if gone is not None:
            self.digests[number] = (self.digests[number] - fp.digest([gone])) % (1 << 64)
            del self._said[(number, key)], self._serials[(number, key)]

    def _revoked(self, revocation: fp.Revocation) -> Iterator[fp.Record]:
        for record in list(self.tables[fp.BINDINGS].values()):
            if isinstance(record, fp.Binding) and record.remote == revocation.remote and revocation.table in (
                    None, record.table):
                yield record

    def _published(self, outcome: fp.Outcome, news: News) -> fp.Outcome:
        self.generation += 1 if outcome.applied or outcome.failed else 0
        outcome.generation = self.generation
        self.tell(news)
        return outcome

    def _longest(self, text: str) -> Optional[fp.Record]:
        address = ipaddress.ip_address(text)
        bindings = [one for one in self.tables[fp.BINDINGS].values() if isinstance(one, fp.Binding)]
        visitors = [one for one in self.tables[fp.VISITORS].values() if isinstance(one, fp.Visitor)]
        for records in ([one for one in bindings if one.table == "mip"],
                        [one for one in bindings if one.table == "pmip"], visitors):
            matches = [record for record in records if address in ipaddress.ip_network(record.prefix)]
            if matches:
                return max(matches, key=lambda record: ipaddress.ip_network(record.prefix).prefixlen)
        return None
