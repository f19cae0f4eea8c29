"""fastpathctl against the fake data plane: outputs, error texts and exit statuses, without privileges or interfaces.

The program is .build/release/fastpathctl, or $FASTPATHCTL."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "clients" / "python"))

import fake_dataplane  # noqa: E402
import fastpath_client as fp  # noqa: E402

PROGRAM = os.environ.get("FASTPATHCTL", str(ROOT / ".build" / "release" / "fastpathctl"))
ENDS = {"local": "2001:db8:1::1", "remote": "2001:db8:a::1"}
PEER = {"local": "2001:db8:a::1", "remote": "2001:db8:b::1"}
HNP1 = {"table": "pmip", "prefix": "2001:db8:100:1::/64", "tunnel": ENDS}
FULL = {
    "table": "mip", "prefix": "2001:db8:100:1::5/128", "tunnel": ENDS, "mn": "mn1@example", "lifetime": 3600,
    "state": "redirecting", "greKey": {"up": 4294967295, "down": 0},
    "access": {"port": "access1", "mac": "02:00:00:00:01:10", "vlan": 4094}, "localRouting": False, "peer": PEER}
HOA = {"table": "pmip", "prefix": "203.0.113.10/32", "tunnel": ENDS, "mn": "m\u00fc\"n\\", "state": "pending"}
TUNNEL = {
    "tunnel": ENDS, "static": True, "hopLimit": 255, "mtu": 1460, "encapsulationLimit": 4, "dscp": 63,
    "ecn": "compatibility"}
TUNNEL2 = {"tunnel": PEER, "mtu": "auto", "encapsulationLimit": "none", "dscp": "copy", "ecn": "rfc6040"}
ROUTE = {
    "route": {"from": "2001:db8:100:1::/64", "to": "2001:db8:100:2::/64"}, "via": PEER, "lifetime": 30,
    "receiveOnly": True}
ROUTE2 = {"route": {"from": "203.0.113.10/32", "to": "203.0.113.11/32"}, "via": "local"}
VISITOR = {"visitor": "2001:db8:aaaa::/64", "port": "access1"}
FAILED = {"peer": "2001:db8:f::1", "state": "failed"}
ALL = [FAILED, TUNNEL, TUNNEL2, VISITOR, HNP1, FULL, HOA, ROUTE, ROUTE2]


def ndjson(records):
    return "".join(json.dumps(record) + "\n" for record in records)


class ControlTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="fp-ctl-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.socket = str(self.directory / "plane.sock")
        self.plane = fake_dataplane.FakeDataPlane("mag")
        self.server = fake_dataplane.Server(self.socket, self.plane)
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def run_raw(self, *arguments, text="", env=None):
        return subprocess.run([PROGRAM, *arguments], input=text, capture_output=True, text=True, timeout=60,
                              env={**os.environ, **(env or {})})

    def ctl(self, *arguments, text="", status=0):
        done = self.run_raw(arguments[0], "--socket", self.socket, *arguments[1:], text=text)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def refused(self, message, *arguments, text=""):
        """The call is refused with exactly this line, and nothing reached the tables."""
        before = {table: dict(records) for table, records in self.plane.tables.items()}
        done = self.ctl(*arguments, text=text, status=1)
        self.assertEqual(done.stderr.strip(), message)
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.plane.tables, before)

    def records(self, table):
        return list(self.plane.tables[table].values())


class Reach(ControlTest):
    def test_no_daemon_is_status_2(self):
        for path in (str(self.directory / "none.sock"), "x" * 108):
            done = self.run_raw("--socket", path, "status")
            self.assertEqual(done.returncode, 2)
            self.assertIn(path, done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1)

    def test_closed_or_foreign_peer_is_status_2(self):
        for answer in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"):
            path = str(self.directory / f"peer{len(answer)}.sock")
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
                listener.bind(path)
                listener.listen()

                def serve():
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(answer)

                thread = threading.Thread(target=serve)
                thread.start()
                done = self.run_raw("status", "--socket", path)
                thread.join()
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("the daemon", done.stderr)

    def test_a_peer_that_closes_with_another_reply_on_its_way_is_status_2(self):
        path = str(self.directory / "closes.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen()

            def serve():
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(fp.pack_frame(fp.PING, 99, b"", fp.REPLY))

            thread = threading.Thread(target=serve)
            thread.start()
            done = subprocess.run([PROGRAM, "status", "--socket", path], capture_output=True, text=True, timeout=10)
            thread.join()
        self.assertEqual((done.returncode, done.stderr), (2, "the daemon closed the connection\n"))

    def test_options_before_and_after_and_environment(self):
        for arguments in (("--socket", self.socket, "--json", "status"), ("status", "--json", "--socket", self.socket),
                          ("--json", "status", f"--socket={self.socket}")):
            self.assertEqual(json.loads(self.run_raw(*arguments).stdout)["role"], "mag")
        self.assertEqual(self.run_raw("status", env={"FASTPATH_SOCKET": self.socket}).returncode, 0)

    def test_wrong_command_lines_are_status_1(self):
        for arguments in (("frobnicate",), ("set",), ("show",), ("dump", "--table", "cats"), ("status", "--loud"),
                          ("load",), ()):
            done = self.run_raw(*arguments)
            self.assertEqual(done.returncode, 0 if not arguments else 1, arguments)
        self.assertEqual(self.run_raw("--help").returncode, 0)
        self.assertIn("counters", self.run_raw("--help").stdout)


class SetAndDelete(ControlTest):
    def test_every_record_arrives_as_meant(self):
        done = self.ctl("set", *map(json.dumps, ALL))
        self.assertEqual(done.stdout, "applied 9, unchanged 0, generation 1\n")
        self.assertEqual(self.plane.seen[-1][:3], (fp.UPSERT, fp.ATOMIC, 9))
        local, remote, other = ENDS["local"], ENDS["remote"], PEER["remote"]
        self.assertEqual(self.records(fp.TUNNELS), [
            fp.Tunnel(local, remote, True, 255, 1460, 4, 63, 2), fp.Tunnel(remote, other, False, None, 0, -1, -1, 1)])
        self.assertEqual(self.records(fp.BINDINGS), [
            fp.Binding("2001:db8:100:1::/64", local, remote),
            fp.Binding("2001:db8:100:1::5/128", local, remote, "mip", "redirecting", 3600, False, "access1",
                       "02:00:00:00:01:10", 4094, 4294967295, 0, (remote, other), "mn1@example"),
            fp.Binding("203.0.113.10/32", local, remote, state="pending", mn="m\u00fc\"n\\")])
        self.assertEqual(self.records(fp.ROUTES), [
            fp.Route("2001:db8:100:1::/64", "2001:db8:100:2::/64", (remote, other), True, 30),
            fp.Route("203.0.113.10/32", "203.0.113.11/32")])
        self.assertEqual(self.records(fp.VISITORS), [fp.Visitor("2001:db8:aaaa::/64", "access1")])
        self.assertEqual(self.records(fp.PEERS), [fp.Peer("2001:db8:f::1")])

    def test_standard_input_and_json(self):
        done = self.ctl("set", "-", "--json", text="\n" + ndjson(ALL) + "  \r\n")
        self.assertEqual(json.loads(done.stdout), {"applied": 9, "unchanged": 0, "generation": 1})
        done = self.ctl("set", "-", "--json", text=ndjson(ALL[:3]) + json.dumps(VISITOR))
        self.assertEqual(json.loads(done.stdout), {"applied": 0, "unchanged": 4, "generation": 1})

    def test_delete_says_absent(self):
        self.ctl("set", *map(json.dumps, ALL))
        done = self.ctl("delete", json.dumps({"table": "pmip", "prefix": HNP1["prefix"]}),
                        json.dumps({"table": "mip", "prefix": HNP1["prefix"]}), json.dumps({"tunnel": ENDS}),
                        json.dumps({"route": ROUTE["route"]}), json.dumps({"visitor": VISITOR["visitor"]}))
        self.assertEqual(done.stdout, "deleted 4, absent 1, generation 2\n")
        # A dump's lines are keys too.
        done = self.ctl("delete", "-", "--json", text=ndjson(ALL))
        self.assertEqual(json.loads(done.stdout), {"deleted": 5, "absent": 4, "generation": 3})
        self.assertFalse(any(self.plane.tables.values()))

    def test_expect(self):
        self.ctl("set", json.dumps(HNP1))
        key = {"table": "pmip", "prefix": HNP1["prefix"]}
        self.refused("line 2: expect: stale: the tunnel's remote is 2001:db8:a::1", "delete", json.dumps(key),
                     json.dumps({**key, "expect": "2001:db8:b::1"}))
        self.assertIn("deleted 1", self.ctl("delete", json.dumps({**key, "expect": "2001:db8:a::1"})).stdout)
        self.refused("line 1: expect: \"x\" is not an IPv6 or IPv4 address", "delete",
                     json.dumps({**key, "expect": "x"}))

    def test_a_peer_fails_and_lives(self):
        alive = {**FAILED, "state": "alive"}
        self.assertIn("unchanged 1", self.ctl("set", json.dumps(alive)).stdout)
        self.assertIn("applied 1", self.ctl("set", json.dumps(FAILED)).stdout)
        self.assertEqual(json.loads(self.ctl("dump", "--table", "peers").stdout), FAILED)
        self.assertIn("applied 1", self.ctl("set", json.dumps(alive)).stdout)
        self.assertEqual(self.ctl("dump").stdout, "")
        self.ctl("set", json.dumps(FAILED))
        self.assertIn("deleted 1", self.ctl("delete", json.dumps({"peer": FAILED["peer"]})).stdout)

    def test_all_bindings_of_a_remote(self):
        other = {**HNP1, "prefix": "2001:db8:100:9::/64", "tunnel": {**ENDS, "remote": "2001:db8:b::1"}}
        self.ctl("set", *map(json.dumps, [HNP1, FULL, HOA, other]))
        done = self.ctl("delete", json.dumps({"remote": ENDS["remote"], "table": "mip"}))
        self.assertEqual(done.stdout, "deleted 1, absent 0, generation 2\n")
        done = self.ctl("delete", json.dumps({"remote": ENDS["remote"]}))
        self.assertEqual(done.stdout, "deleted 2, absent 0, generation 3\n")
        self.assertEqual([record.prefix for record in self.records(fp.BINDINGS)], [other["prefix"]])
        self.refused("line 1: remote: must be a unicast address of an interface, not ::", "delete",
                     json.dumps({"remote": "::"}))
        self.refused("line 1: state: unknown key (known: remote, table)", "delete",
                     json.dumps({"remote": "2001:db8::1", "state": "active"}))

    def test_daemon_refusal_names_line_field_and_rule(self):
        visitor = {"visitor": "2001:db8:aaab::/64", "port": "nowhere"}
        message = 'line 4: port: no access port is named "nowhere"'
        self.refused(message, "set", "-", text="\n" + ndjson([HNP1]) + "\n" + ndjson([visitor]))
        self.plane.refuse = lambda record: ("prefix", "is in no pool")
        self.refused("line 1: prefix: is in no pool", "set", json.dumps(HNP1))

    def test_more_than_a_frame_is_refused_by_set(self):
        lines = ndjson({**HNP1, "prefix": f"2001:db8:{i >> 16:x}:{i & 0xffff:x}::/64"} for i in range(65537))
        done = self.ctl("set", "-", text=lines, status=1)
        self.assertIn("65537 records do not fit one all-or-nothing frame", done.stderr)
        self.assertFalse(any(self.plane.tables.values()))


class Rules(ControlTest):
    """Shape errors are found before anything is sent."""

    def check(self, record, message):
        text = record if isinstance(record, str) else json.dumps(record)
        self.refused(f"line 2: {message}", "set", json.dumps(HNP1), text)

    def test_json(self):
        for text, message in (
                ("{", "record: is not JSON: expected a key in double quotes (column 2)"),
                ("{} x", "record: is not JSON: nothing may follow the value (column 4)"),
                ("[1]", "record: must be an object, not an array"), ("{}", "record: needs \"table\" and \"prefix\", or "
                 "\"tunnel\", or \"route\", or \"visitor\", or \"peer\""),
                ('{"visitor":"::/0","visitor":"::/0"}', "visitor: is given twice"),
                ('{"visitor":"::/0","port":"a","port":"b"}', "port: is given twice"),
                ('{"visitor":"\\ud800"}', "record: is not JSON: half of a surrogate pair (column 19)"),
                ('{"visitor":01}', "record: is not JSON: 01 is not a number in range (column 14)"),
                ("[" * 100, "record: is not JSON: nested deeper than 16 (column 18)")):
            with self.subTest(text):
                self.check(text, message)

    def test_binding(self):
        states = "active, pending, deregistering, redirecting, buffering, flushing, relaying"
        keys = "table, prefix, tunnel, mn, lifetime, state, greKey, access, localRouting, requireEsp, peer"
        lifetime = "lifetime: must be an integer from 1 to 4294967295"
        access = {"port": "access1", "mac": "02:00:00:00:01:10"}
        for change, message in (
                ({"colour": 1}, f"colour: unknown key (known: {keys})"),
                ({"expect": "::1"}, f"expect: unknown key (known: {keys})"),
                ({"table": None}, "table: must be a string, not null"),
                ({"table": "x"}, "table: must be \"pmip\" or \"mip\", not \"x\""),
                ({"prefix": "2001:db8::1"}, "prefix: \"2001:db8::1\" is not a prefix like 2001:db8::/64: address/length"),
                ({"prefix": "2001:db8::1/64"}, "prefix: has bits set after the prefix length (the prefix is "
                 "2001:db8::/64)"),
                ({"prefix": "203.0.113.0/33"}, "prefix: prefix length \"33\" is not 0 to 32"),
                ({"prefix": "::/129"}, "prefix: prefix length \"129\" is not 0 to 128"),
                ({"prefix": "::/+1"}, "prefix: prefix length \"+1\" is not 0 to 128"),
                ({"prefix": "203.0.113/24"}, "prefix: \"203.0.113\" is not an IPv6 or IPv4 address"),
                ({"tunnel": "x"}, "tunnel: must be an object, not a string"),
                ({"tunnel": {"local": "::1"}}, "tunnel.remote: is missing"),
                ({"tunnel": {**ENDS, "local": "::"}}, "tunnel.local: must be a unicast address of an interface, not ::"),
                ({"tunnel": {**ENDS, "remote": "ff02::1"}},
                 "tunnel.remote: must be a unicast address of an interface, not ff02::1"),
                ({"tunnel": {**ENDS, "remote": "192.0.2.1"}}, "tunnel.remote: must have the address family of local"),
                ({"tunnel": {**ENDS, "remote": ENDS["local"]}}, "tunnel.remote: must differ from local"),
                ({"tunnel": {**ENDS, "port": 1}}, "tunnel.port: unknown key (known: local, remote)"),
                ({"lifetime": 0}, lifetime), ({"lifetime": 4294967296}, lifetime), ({"lifetime": 1.5}, lifetime),
                ({"lifetime": True}, lifetime), ({"lifetime": "1"}, lifetime),
                ({"state": "dead"}, f"state: must be one of {states}, not \"dead\""),
                ({"state": "relaying"}, "peer: is missing: state \"relaying\" needs the other MAG's tunnel"),
                ({"peer": {"local": "192.0.2.1", "remote": "192.0.2.2"}},
                 "peer: must have the address family of tunnel"),
                ({"greKey": {}}, "greKey: needs up or down"),
                ({"greKey": {"up": -1}}, "greKey.up: must be an integer from 0 to 4294967295"),
                ({"localRouting": 1}, "localRouting: must be true or false, not a number"),
                ({"mn": ""}, "mn: must be 1 to 64 octets of UTF-8"),
                ({"mn": "\u00fc" * 33}, "mn: must be 1 to 64 octets of UTF-8"),
                ({"access": {"port": "access1"}}, "access.mac: is missing"),
                ({"access": {**access, "mac": "02:00:00:00:01"}},
                 "access.mac: \"02:00:00:00:01\" is not a MAC address like 02:00:00:00:00:01"),
                ({"access": {**access, "mac": "01:00:5e:00:00:01"}},
                 "access.mac: must be a unicast address, not 01:00:5e:00:00:01"),
                ({"access": {**access, "port": "a" * 16}},
                 "access.port: must be a port name of 1 to 15 octets without spaces"),
                ({"access": {**access, "vlan": 0}}, "access.vlan: must be an integer from 1 to 4094"),
                ({"access": {**access, "vlan": 4095}}, "access.vlan: must be an integer from 1 to 4094")):
            with self.subTest(change):
                self.check({**HNP1, **change}, message)
        self.check({"prefix": "::/0", "tunnel": ENDS}, "table: is missing")
        self.check({"table": "pmip", "tunnel": ENDS}, "prefix: is missing")
        self.check({"table": "pmip", "prefix": "::/0"}, "tunnel: is missing")

    def test_tunnel(self):
        for change, message in (
                ({"hopLimit": 0}, "hopLimit: must be an integer from 1 to 255"),
                ({"hopLimit": 256}, "hopLimit: must be an integer from 1 to 255"),
                ({"mtu": 67}, "mtu: must be \"auto\" or an integer from 68 to 65535"),
                ({"mtu": 65536}, "mtu: must be \"auto\" or an integer from 68 to 65535"),
                ({"encapsulationLimit": 256}, "encapsulationLimit: must be \"none\" or an integer from 0 to 255"),
                ({"dscp": 64}, "dscp: must be \"copy\", \"uniform\" or an integer from 0 to 63"),
                ({"dscp": "paste"}, "dscp: must be \"copy\", \"uniform\" or an integer from 0 to 63"),
                ({"ecn": "x"}, "ecn: must be \"rfc6040\", \"compatibility\" or \"rfc5213-strict\""),
                ({"static": "yes"}, "static: must be true or false, not a string"),
                ({"mn": "x"}, "mn: unknown key (known: tunnel, static, hopLimit, mtu, encapsulationLimit, dscp, ecn)")):
            with self.subTest(change):
                self.check({"tunnel": ENDS, **change}, message)

    def test_route_and_visitor(self):
        for record, message in (
                ({"route": ROUTE["route"]}, "via: is missing"),
                ({**ROUTE, "via": "home"}, "via: must be \"local\" or an object with local and remote"),
                ({**ROUTE, "route": {"from": "::/0"}}, "route.to: is missing"),
                ({**ROUTE, "route": {"from": "::/0", "to": "0.0.0.0/0"}},
                 "route.to: must have the address family of from"),
                ({**ROUTE, "lifetime": 0}, "lifetime: must be an integer from 1 to 4294967295"),
                ({"visitor": "::/0"}, "port: is missing"), ({"visitor": "::/0", "port": ""},
                 "port: must be a port name of 1 to 15 octets without spaces"),
                ({"peer": "2001:db8::1"}, "state: is missing"),
                ({"peer": "2001:db8::1", "state": "active"}, "state: must be \"failed\" or \"alive\", not \"active\""),
                ({"peer": ENDS, "state": "failed"}, "peer: must be a string, not an object"),
                ({"peer": "ff02::1", "state": "failed"},
                 "peer: must be a unicast address of an interface, not ff02::1"),
                ({"peer": "2001:db8::1", "state": "failed", "table": "pmip"}, "prefix: is missing")):
            with self.subTest(record):
                self.check(record, message)

    def test_boundaries_pass(self):
        self.ctl("set", json.dumps({**HNP1, "lifetime": 1, "mn": "\u00fc" * 32}),
                 json.dumps({**HNP1, "prefix": "0.0.0.0/0", "lifetime": 4294967295}),
                 json.dumps({**HNP1, "prefix": "::/0", "greKey": {"down": 0}}),
                 json.dumps({"tunnel": ENDS, "mtu": 68, "hopLimit": 1, "dscp": 0, "encapsulationLimit": 0}),
                 json.dumps({"tunnel": PEER, "mtu": 65535, "hopLimit": 255, "dscp": 63, "encapsulationLimit": 255}))


class ShowAndDump(ControlTest):
    def test_dump_and_load_restore(self):
        self.ctl("set", *map(json.dumps, ALL))
        dump = self.ctl("dump").stdout
        self.assertEqual([json.loads(line) for line in dump.splitlines()], ALL)
        before = {table: dict(records) for table, records in self.plane.tables.items()}
        for records in self.plane.tables.values():
            records.clear()
        (self.directory / "dump.ndjson").write_text(dump)
        done = self.ctl("load", str(self.directory / "dump.ndjson"))
        self.assertEqual(done.stdout, "applied 9, unchanged 0, generation 2\n")
        self.assertEqual(self.plane.tables, before)

    def test_dump_of_one_table(self):
        self.ctl("set", *map(json.dumps, ALL))
        lines = self.ctl("dump", "--table", "routes").stdout.splitlines()
        self.assertEqual([json.loads(line) for line in lines], [ROUTE, ROUTE2])

    def test_dump_of_one_kind_of_binding(self):
        self.ctl("set", *map(json.dumps, ALL))
        for table, records in (("pmip", [HNP1, HOA]), ("mip", [FULL]), ("bindings", [HNP1, FULL, HOA])):
            lines = self.ctl("dump", "--table", table).stdout.splitlines()
            self.assertEqual([json.loads(line) for line in lines], records)

    def test_show(self):
        self.ctl("set", *map(json.dumps, ALL))
        counters = {"up": {"packets": 1, "bytes": 100}, "down": {"packets": 2, "bytes": 200}}
        for key, wanted in (
                ("2001:db8:100:1::5", [FULL]), ("2001:db8:100:1::6", [HNP1]), ("203.0.113.10", [HOA]),
                ("2001:db8:aaaa::9", [VISITOR]), ("2001:db8:100:1::/64", [HNP1, ROUTE]),
                (f"{ENDS['local']},{ENDS['remote']}", [{**TUNNEL, "users": 0}]),
                ("203.0.113.10/32,203.0.113.11/32", [ROUTE2])):
            with self.subTest(key):
                lines = self.ctl("show", key, "--json").stdout.splitlines()
                self.assertEqual([json.loads(line) for line in lines],
                                 [{**record, "counters": counters} for record in wanted])
        text = self.ctl("show", "2001:db8:100:1::6").stdout
        self.assertIn("binding 2001:db8:100:1::/64 (pmip)\n", text)
        self.assertIn("  uplink          1 packets, 100 bytes\n", text)

    def test_show_of_nothing_and_of_nonsense(self):
        self.refused("2001:db8::1: refused: not found: nothing has this key", "show", "2001:db8::1")
        self.refused("cat: \"cat\" is not an IPv6 or IPv4 address", "show", "cat")
        self.refused("::1/64: has bits set after the prefix length (the prefix is ::/64)", "show", "::1/64")
        self.refused("a,b,c: has more than two parts", "show", "a,b,c")


class Load(ControlTest):
    def test_a_bad_line_sends_nothing(self):
        path = self.directory / "records.ndjson"
        path.write_text(ndjson([HNP1]) * 3 + '{"table":"pmip"}\n')
        self.refused("line 4: prefix: is missing", "load", str(path))
        self.assertEqual(self.plane.seen, [])
        self.refused(f"cannot read {path}.not: No such file or directory", "load", f"{path}.not")

    def test_many_frames(self):
        count = 100_000
        lines = (f'{{"table":"pmip","prefix":"2001:db8:{i >> 16:x}:{i & 0xffff:x}::/64","tunnel":'
                 '{"local":"2001:db8:1::1","remote":"2001:db8:a::1"}}\n' for i in range(count))
        path = self.directory / "many.ndjson"
        path.write_text("".join(lines))
        done = self.ctl("load", str(path), "--json")
        self.assertEqual(json.loads(done.stdout), {
            "records": count, "applied": count, "unchanged": 0, "generation": 7})
        self.assertEqual(self.plane.transactions, 0)
        self.assertEqual(len(self.plane.tables[fp.BINDINGS]), count)
        # 64 octets are enough for an LMA's binding.
        self.assertEqual({seen[3] for seen in self.plane.seen if seen[0] == fp.UPSERT}, {64})

    def test_nothing_is_applied_of_a_file_with_a_record_that_the_daemon_refuses(self):
        path = self.directory / "late.ndjson"
        lines = [json.dumps({**HNP1, "prefix": f"2001:db8:{i >> 16:x}:{i & 0xffff:x}::/64"}) for i in range(300_000)]
        # In a later frame, and in one of a later transaction.
        for number in (20_000, 270_000):
            prefix = f"2001:db8:{number - 1 >> 16:x}:{number - 1 & 0xffff:x}::/64"
            self.plane.refuse = lambda record: ("prefix", "is in no pool") if record.prefix == prefix else None
            path.write_text("\n".join(lines[:number + 100]))
            self.refused(f"line {number}: prefix: is in no pool", "load", str(path))
            self.assertEqual(self.plane.generation, 0)

    def test_no_room_for_a_later_frame_names_its_line(self):
        upsert = self.plane.upsert

        def full(records, owner=0, atomic=True):
            if self.plane.tables[fp.BINDINGS]:
                raise fake_dataplane.Refusal(fp.FULL, "prefix", "no room is left", 3615)
            return upsert(records, owner, atomic)

        self.plane.upsert = full
        path = self.directory / "full.ndjson"
        path.write_text(ndjson({**HNP1, "prefix": f"2001:db8:0:{i:x}::/64"} for i in range(25_000)))
        done = self.ctl("load", str(path), status=1)
        self.assertEqual(done.stderr.splitlines(), [
            "the first 16384 records of the file are applied", "line 20000: prefix: table full: no room is left"])

    def test_nothing_behind_a_refused_frame_is_applied(self):
        self.plane.refuse = lambda record: ("prefix", "is in no pool") if record.prefix == "2001:db8:0:5::/64" else None
        path = self.directory / "early.ndjson"
        path.write_text(ndjson({**HNP1, "prefix": f"2001:db8:0:{i:x}::/64"} for i in range(50_000)))
        self.refused("line 6: prefix: is in no pool", "load", str(path))
        time.sleep(0.5)
        self.assertEqual(self.plane.tables[fp.BINDINGS], {})


class StatusAndCounters(ControlTest):
    def setUp(self):
        super().setUp()
        self.plane.status = [
            ("role", "mag"), ("version", "1.0"), ("uptime", "93784"), ("warning.0", "generic mode on \"core\""),
            ("table.bindings.entries", "5"), ("table.proxy.load", "0.125"), ("audit.result", "ok"),
            ("port.core.interface", "eth1"), ("port.core.queue.0.mode", "copy"), ("port.core.queue.0.rx-rate", "17")]
        self.plane.counters = {"rx.core": 18446744073709551615, "drop.no-binding": 0, "tx.core": 7}

    def test_status(self):
        lines = self.ctl("status").stdout.splitlines()
        self.assertEqual(lines[0], "warning: generic mode on \"core\"")
        self.assertIn("uptime   1d 2h 3m 4s", lines)
        self.assertIn("port core queue 0  mode copy, rx-rate 17", lines)
        self.assertIn("table proxy        load 0.125", lines)
        parsed = json.loads(self.ctl("status", "--json").stdout)
        self.assertEqual(parsed, {
            "warnings": ["generic mode on \"core\""], "role": "mag", "version": "1.0", "uptime": 93784,
            "table.bindings.entries": 5, "table.proxy.load": 0.125, "audit.result": "ok",
            "port.core.interface": "eth1", "port.core.queue.0.mode": "copy", "port.core.queue.0.rx-rate": 17})

    def test_counters(self):
        self.assertEqual(self.ctl("counters").stdout.split(), ["rx.core", "18446744073709551615", "tx.core", "7"])
        self.assertEqual(json.loads(self.ctl("counters", "--all", "--json").stdout), self.plane.counters)


if __name__ == "__main__":
    unittest.main()
