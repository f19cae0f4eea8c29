import FlowTable
import Foundation
import Glibc
import SlowPath
import Testing

/// The mirror against the kernel it mirrors: `ip -j` is the oracle.
@Suite(.serialized) struct KernelMirrorTests {
  /// Routes and neighbours of every shape that the mirror decides about.
  static let configuration = """
    link add fpa type veth peer name fpb
    link add fpc type veth peer name fpd
    link set fpa up
    link set fpb up
    link set fpc up
    link set fpd up
    addr add 192.0.2.1/24 dev fpa
    addr add 2001:db8:1::1/64 dev fpa nodad
    addr add 198.51.100.1/24 dev fpc
    addr add 2001:db8:2::1/64 dev fpc nodad
    route add default via 192.0.2.254
    route add 203.0.113.0/24 via 192.0.2.7 metric 50
    route add 203.0.113.0/24 via 198.51.100.7 metric 60
    route append 203.0.113.0/24 via 192.0.2.8 metric 50
    route add unreachable 10.1.0.0/16
    route add blackhole 10.2.0.0/16
    route add prohibit 10.3.0.0/16
    route add throw 10.4.0.0/16
    route add 10.5.0.0/16 via inet6 2001:db8:1::9 dev fpa
    route add 10.6.0.0/16 nexthop via 192.0.2.9 weight 1 nexthop via 198.51.100.9 weight 2
    route add 10.7.0.0/16 via 192.0.2.7 table 100
    route add default via 2001:db8:1::fe metric 100
    route add 2001:db8:10::/48 via fe80::1 dev fpa
    route add 2001:db8:11::/48 nexthop via 2001:db8:1::2 nexthop via 2001:db8:2::2
    route add unreachable 2001:db8:12::/48
    route add 2001:db8:13::/48 encap seg6 mode encap segs 2001:db8:ff::1 dev fpa
    route add 2001:db8:14::/48 dev fpc table 100
    nexthop add id 7 via 192.0.2.30 dev fpa
    route add 10.8.0.0/16 nhid 7
    neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev fpa nud permanent
    neigh add 2001:db8:1::2 lladdr 02:00:00:00:00:02 dev fpa nud stale
    neigh add 192.0.2.50 dev fpa nud failed
    """.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }

  private func same(_ recorder: EventRecorder, _ namespace: borrowing Namespace) throws -> Bool {
    let oracle = try KernelOracle(namespace)
    let now = recorder.now
    return now.synchronized > 0 && now.routes == oracle.routes && now.neighbors == oracle.neighbors
  }

  private func expectSame(
    _ recorder: EventRecorder, _ namespace: borrowing Namespace, _ what: String,
    location: SourceLocation = #_sourceLocation
  ) throws {
    if try eventually(within: 10, { try same(recorder, namespace) }) == false {
      let oracle = try KernelOracle(namespace)
      let now = recorder.now
      Issue.record(
        """
        \(what): missing \(oracle.routes.subtracting(now.routes)), too many \(now.routes.subtracting(oracle.routes)), \
        neighbours \(now.neighbors) instead of \(oracle.neighbors), errors \(now.errors)
        """, sourceLocation: location)
    }
    #expect(recorder.now.contradictions == [], sourceLocation: location)
  }

  @Test func theFirstDumpIsWhatTheKernelHas() throws {
    let namespace = try Namespace()
    try namespace.batch(Self.configuration)
    let recorder = EventRecorder()
    let mirror = try namespace.inside { try recorder.follow() }
    defer { mirror.stop() }
    try expectSame(recorder, namespace, "dump")
    let now = recorder.now
    #expect(now.synchronized == 1 && now.resynchronized == 0 && now.errors == [])
    #expect(now.events.last == .synchronized)
    // Some of it spelled out, so that an oracle and a mirror that are both empty cannot agree.
    let index = { (name: String) in now.links.values.compactMap { $0.index(ofLink: name) }.first ?? 0 }
    let expected = KernelRoute(
      prefix: try #require(Prefix(text: "2001:db8:10::/48")), gateway: IPAddress(text: "fe80::1"),
      interface: index("fpa"), metric: 1024)
    #expect(now.routes.contains(expected))
    #expect(now.routes.contains { $0.prefix.description == "10.2.0.0/16" && $0.kind == .unreachable })
    #expect(now.routes.contains { $0.prefix.description == "192.0.2.1/32" && $0.kind == .local })
    #expect(now.routes.contains { $0.prefix.description == "2001:db8:13::/48" && $0.interface == 0 })
    #expect(now.routes.contains { $0.prefix.description == "10.8.0.0/16" && $0.gateway?.description == "192.0.2.30" })
    #expect(!now.routes.contains { $0.prefix.description == "10.7.0.0/16" || $0.prefix.description == "10.4.0.0/16" })
    #expect(now.neighbors.values.contains { $0.mac.value == 0x0200_0000_0007 })
  }

  @Test func changesArriveUntilTheMirrorIsTheKernelAgain() throws {
    let namespace = try Namespace()
    try namespace.batch(Array(Self.configuration))
    let recorder = EventRecorder()
    let mirror = try namespace.inside { try recorder.follow() }
    defer { mirror.stop() }
    try expectSame(recorder, namespace, "dump")
    let steps = [
      "route add 10.20.0.0/16 via 192.0.2.7", "route replace 10.20.0.0/16 via 192.0.2.8",
      "route del 10.20.0.0/16", "-6 route add 2001:db8:20::/48 via 2001:db8:1::5",
      "-6 route replace 2001:db8:20::/48 via 2001:db8:2::5", "-6 route append 2001:db8:20::/48 via 2001:db8:1::6",
      "-6 route del 2001:db8:20::/48 via 2001:db8:2::5", "-6 route del 2001:db8:20::/48",
      "route del 203.0.113.0/24 via 192.0.2.7 metric 50", "route prepend 203.0.113.0/24 via 192.0.2.5 metric 50",
      "route del 10.6.0.0/16", "-6 route del 2001:db8:11::/48 nexthop via 2001:db8:1::2",
      "-6 route del unreachable 2001:db8:12::/48",
      "neigh add 192.0.2.77 lladdr 02:00:00:00:00:77 dev fpa nud reachable",
      "neigh change 192.0.2.77 lladdr 02:00:00:00:00:78 dev fpa nud reachable",
      "neigh change 192.0.2.77 dev fpa nud failed", "neigh del 2001:db8:1::2 dev fpa",
      "nexthop replace id 7 via 192.0.2.31 dev fpa", "addr add 192.0.2.99/32 dev fpc", "addr del 192.0.2.99/32 dev fpc",
      "link set fpb down", "link set fpb up", "link set fpc down", "link set fpc up",
      "-6 addr add 2001:db8:2::1/64 dev fpc nodad", "link del fpa",
    ]
    for step in steps {
      try namespace.ip(step)
      try expectSame(recorder, namespace, step)
    }
    let now = recorder.now
    #expect(now.synchronized == 1 && now.errors == [])
    #expect(now.links.values.contains { if case .linkChanged(_, "fpa", false, _, _) = $0 { true } else { false } })
  }

  /// More notifications than a small buffer holds, while the mirror's sink is held up: the kernel drops some and says
  /// so once (ENOBUFS). The end must be what a fresh dump shows, the removed routes included.
  @Test func lostNotificationsEndInTheStateOfAFreshDump() throws {
    let namespace = try Namespace()
    try namespace.batch(Array(Self.configuration))
    let recorder = EventRecorder()
    let mirror = try namespace.inside { try recorder.follow(receiveBuffer: 2048) }
    defer { mirror.stop() }
    try expectSame(recorder, namespace, "dump")
    let prefixes = (0..<2000).map { "10.\(100 + $0 / 250).\($0 % 250).0/24" }
    // The sink plays its first event under this lock, so it waits here until the flood is over.
    try recorder.state.withLock { _ in
      try namespace.batch(prefixes.map { "route add \($0) via 192.0.2.7" })
      try namespace.batch(prefixes.prefix(1500).map { "route del \($0)" })
    }
    try expectSame(recorder, namespace, "after the flood")
    let now = recorder.now
    #expect(now.resynchronized >= 1, "the buffer of 2048 octets did not overflow: the test tested nothing")
    #expect(now.errors.contains(.overflow))
    #expect(now.synchronized == now.resynchronized + 1)
    #expect(now.routes.filter { $0.prefix.description.hasPrefix("10.1") && $0.prefix.length == 24 }.count == 500)
  }

  @Test func aMirrorThatStoppedTellsNothingMore() throws {
    let namespace = try Namespace()
    let recorder = EventRecorder()
    let mirror = try namespace.inside { try recorder.follow() }
    #expect(eventually { recorder.now.synchronized == 1 })
    mirror.stop()
    let before = recorder.now.events.count
    try namespace.ip("link add fpa type veth peer name fpb")
    usleep(100_000)
    #expect(recorder.now.events.count == before)
  }
}

extension KernelEvent {
  func index(ofLink name: String) -> UInt32? {
    if case .linkChanged(let interface, name, _, _, _) = self { interface } else { nil }
  }
}
