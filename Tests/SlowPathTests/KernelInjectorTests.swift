import FastPath
import FlowTable
import SlowPath
import Testing

/// Injected packets against the kernel: it must take them as its own input and answer.
@Suite(.serialized) struct KernelInjectorTests {
  /// Built by Scapy: IPv6(src="2001:db8:1::2", dst="2001:db8:1::1", hlim=9)/ICMPv6EchoRequest(id=0x1234, seq=7,
  /// data=b"fastpath") and IP(src="192.0.2.2", dst="192.0.2.1", ttl=9, id=1)/ICMP(id=0x1234, seq=7)/b"fastpath".
  static let echoRequests = [
    "6000000000103a0920010db800010000000000000000000220010db800010000000000000000000180005363123400076661737470617468",
    "450000240001000009012dd5c0000202c000020108002725123400076661737470617468",
  ]

  /// The kernel's own counters of both namespaces: /proc/net/snmp6 and /proc/net/snmp.
  private static let counters = [
    (file: "/proc/net/snmp6", received: "Icmp6InEchos", answered: "Icmp6InEchoReplies"),
    (file: "/proc/net/snmp", received: "InEchos", answered: "InEchoReps"),
  ]

  private func value(_ namespace: borrowing Namespace, _ file: String, _ name: String) throws -> Int {
    let lines = try namespace.execute("cat \(file)").split(separator: "\n").map {
      $0.split(whereSeparator: \.isWhitespace)
    }
    if let line = lines.first(where: { $0.first.map(String.init) == name }) { return Int(line[1]) ?? -1 }
    // /proc/net/snmp: a line of names, then a line of values with the same label.
    for (names, values) in zip(lines, lines.dropFirst()) where names.first == values.first {
      if let index = names.firstIndex(where: { $0 == name }) { return Int(values[index]) ?? -1 }
    }
    throw CommandFailure(description: "no \(name) in \(file)")
  }

  /// An echo request that arrived through a tunnel, say, is handed to the kernel; its answer leaves by the ordinary route
  /// and reaches the far namespace. With strict reverse path filtering on `all`, which would refuse the IPv4 source on
  /// the injection interface if it were not set to loose.
  @Test(arguments: [0, 1]) func aLocalPacketIsAnsweredByTheKernel(_ family: Int) throws {
    let near = try Namespace()
    let far = try Namespace()
    try run("ip -n \(near.name) link add fpn type veth peer name fpf netns \(far.name)")
    try near.batch(["addr add 192.0.2.1/24 dev fpn", "addr add 2001:db8:1::1/64 dev fpn nodad", "link set fpn up"])
    try far.batch(["addr add 192.0.2.2/24 dev fpf", "addr add 2001:db8:1::2/64 dev fpf nodad", "link set fpf up"])
    try near.execute("sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter'")
    let injector = try near.inside { try KernelInjector() }
    #expect(injector.interface.hasPrefix("fpk"))
    let packet = try octets(Self.echoRequests[family])
    let counters = Self.counters[family]
    #expect(inject(injector, packet))
    #expect(try eventually { try value(far, counters.file, counters.answered) == 1 }, "no answer reached the far end")
    #expect(try value(near, counters.file, counters.received) == 1)
    #expect(injector.injected == 1 && injector.refused == 0)
  }

  @Test func whatIsNotIPIsRefusedAndCounted() throws {
    let near = try Namespace()
    let injector = try near.inside { try KernelInjector() }
    for packet in [[], [0x10], [UInt8](repeating: 0, count: 60)] as [[UInt8]] { #expect(!inject(injector, packet)) }
    #expect(injector.injected == 0 && injector.refused == 3)
  }

  @Test func theInterfaceIsQuietAndGoesWithTheInjector() throws {
    let near = try Namespace()
    var injector: KernelInjector? = try near.inside { try KernelInjector() }
    let name = try #require(injector?.interface)
    #expect(try near.ip("-j addr show dev \(name)").contains("\"LOWER_UP\""))
    #expect(try !near.ip("addr show dev \(name)").contains("inet"))
    injector = nil
    #expect(try eventually { try !near.ip("link show").contains(name) })
  }

  /// A worker's push, through ring, thread and injector, to the kernel's answer.
  @Test func aPuntedPacketReachesTheKernel() throws {
    let near = try Namespace()
    try near.ip("addr add 2001:db8:1::1/128 dev lo")
    try near.ip("addr add 2001:db8:1::2/128 dev lo")
    try near.execute("sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'")
    let injector = try near.inside { try KernelInjector() }
    let ring = try #require(PuntRingMemory(slots: 8))
    // The handler hands on the octets within the call, while the slot is still held.
    let thread = try SlowPathThread(rings: [ring]) { _, packet in unsafe injector.inject(packet.octets) }
    defer { thread.stop() }
    var producer = ring.producer
    let packet = try octets(Self.echoRequests[0])
    // The array lives for the call and its count is passed.
    #expect(
      unsafe packet.withUnsafeBytes { room in
        guard let start = room.baseAddress else { return false }
        return unsafe producer.push(start, length: room.count, reason: 1, port: 0)
      })
    producer.ring()
    #expect(try eventually { try value(near, "/proc/net/snmp6", "Icmp6InEchos") == 1 })
  }

  private func inject(_ injector: KernelInjector, _ packet: [UInt8]) -> Bool {
    // The array lives for the call.
    unsafe packet.withUnsafeBytes { unsafe injector.inject($0) }
  }

  private func octets(_ hex: String) throws -> [UInt8] {
    let digits = Array(hex)
    return try stride(from: 0, to: digits.count, by: 2).map {
      try #require(UInt8(String(digits[$0...($0 + 1)]), radix: 16))
    }
  }
}
