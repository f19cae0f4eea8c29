import FastPath
import FlowTable
import Testing

/// Whatever a tunnel's settings are and whatever is inside: the packet that went in comes out, two hops older, with the
/// congestion that the way has marked. The oracle is the packet itself, and RFC 6040's figure as a table.
struct TransparencyTests {
  typealias Generator = HostilePacketTests.SeededGenerator

  /// RFC 6040 section 4.2, figure 4: rows inner, columns outer, both 00, 01, 10, 11; nil drops.
  private static let figure4: [[UInt8?]] = [[0, 0, 0, nil], [1, 1, 1, 3], [2, 1, 2, 3], [3, 3, 3, 3]]
  /// RFC 5213 section 5.6.3: only (ECT, CE) differs from the inner field.
  private static let strict: [[UInt8?]] = [[0, 0, 0, 0], [1, 1, 1, 3], [2, 2, 2, 3], [3, 3, 3, 3]]

  @Test func whatEntersATunnelLeavesIt() throws {
    var generator = Generator(state: HostilePacketTests.seed())
    var dropped = 0
    var limited = 0
    for _ in 0..<60 {
      let anchor = try SampleDomain.anchor()
      let gateway = try SampleDomain.gateway()
      let ecn = [ECNMode.rfc6040, .compatibility, .rfc5213Strict][Int(generator.next() % 3)]
      let limit = generator.next() % 2 == 0 ? nil : UInt8.random(in: 0...255, using: &generator)
      try set(anchor, "2001:db8:1::1", "2001:db8:a::1", port: 1, ecn: ecn, limit: limit)
      try set(gateway, "2001:db8:a::1", "2001:db8:1::1", port: 0, ecn: ecn, limit: limit)
      for _ in 0..<200 {
        let inner = packet(&generator)
        let type: UInt16 = inner[0] >> 4 == 6 ? 0x86dd : 0x0800
        let frame = SamplePackets.ethernet(to: SamplePackets.coreMAC, from: SamplePackets.peerMAC, type: type, inner)
        var middle = try #require(anchor.plane.process(frame, port: 0).sent.first).frame
        if middle[20] == 60 { limited += 1 }
        let congestion = UInt8.random(in: 0...3, using: &generator)
        middle[15] = middle[15] & 0xcf | congestion << 4
        let outcome = gateway.plane.process(middle, port: 0)
        let wanted = expected(inner, outer: congestion, by: ecn == .rfc5213Strict ? Self.strict : Self.figure4)
        guard let wanted else {
          #expect(outcome.fate == .dropped(.ecn))
          dropped += 1
          continue
        }
        guard let sent = outcome.sent.first, Array(sent.frame.dropFirst(14)) == wanted else {
          Issue.record("ecn \(ecn), limit \(String(describing: limit)), outer \(congestion): \(inner) → \(outcome)")
          return
        }
      }
    }
    #expect(dropped > 0 && limited > 0)
  }

  private func set(
    _ domain: SampleDomain, _ local: String, _ remote: String, port: UInt8, ecn: ECNMode, limit: UInt8?
  ) throws {
    let endpoints = TunnelEndpoints(local: try SampleDomain.address(local), remote: try SampleDomain.address(remote))
    let id = try #require(domain.writer.tunnel(endpoints))
    let hop = try domain.writer.addNextHop(
      .resolved(
        Adjacency(
          port: port, destination: try SampleDomain.mac("02:00:00:00:0a:01"),
          source: try SampleDomain.mac("02:00:00:00:01:02"))))
    try domain.writer.updateTunnel(
      id, settings: TunnelSettings(endpoints: endpoints, ecn: ecn, encapsulationLimit: limit), nextHop: hop)
  }

  /// A valid packet to the mobile node: IPv6 with random extension headers, or IPv4 with random options.
  private func packet(_ generator: inout Generator) -> [UInt8] {
    let service = UInt8.random(in: 0...255, using: &generator)
    let hops = UInt8.random(in: 3...255, using: &generator)
    var body = (0..<Int(generator.next() % 1200)).map { _ in UInt8.random(in: 0...255, using: &generator) }
    if generator.next() % 3 == 0 {
      return SamplePackets.ipv4(
        source: SamplePackets.correspondent4, destination: SamplePackets.mobileNode1v4, proto: 253, timeToLive: hops,
        service: service, identification: UInt16.random(in: 0...UInt16.max, using: &generator), body)
    }
    var next: UInt8 = 253
    for _ in 0..<(generator.next() % 4) {
      let header = extensionHeader(next, &generator)
      body = header.octets + body
      next = header.kind
    }
    return SamplePackets.ipv6(
      source: SamplePackets.correspondent, destination: SamplePackets.mobileNode1, next: next, hopLimit: hops,
      trafficClass: service, label: UInt32.random(in: 0...0xf_ffff, using: &generator), body)
  }

  /// An extension header in front of a header of kind `next`; a limit in it lets the packet into a tunnel.
  private func extensionHeader(_ next: UInt8, _ generator: inout Generator) -> (kind: UInt8, octets: [UInt8]) {
    switch generator.next() % 4 {
    case 0: (60, [next, 0, 4, 1, UInt8.random(in: 1...255, using: &generator), 1, 1, 0])
    case 1: (60, [next, 0, 0x1e, 4, 9, 9, 9, 9])
    case 2: (43, [next, 0, 4, 0, 0, 0, 0, 0])
    default: (44, [next, 0, 0, 0, 0, 0, 0, 7])
    }
  }

  /// The packet two hops later; nil when congestion ends it.
  private func expected(_ inner: [UInt8], outer: UInt8, by figure: [[UInt8?]]) -> [UInt8]? {
    var packet = inner
    let isIPv6 = inner[0] >> 4 == 6
    let field = isIPv6 ? inner[1] >> 4 & 3 : inner[1] & 3
    guard let code = figure[Int(field)][Int(outer)] else { return nil }
    if isIPv6 {
      packet[1] = packet[1] & 0xcf | code << 4
      packet[7] -= 2
      return packet
    }
    packet[1] = packet[1] & 0xfc | code
    packet[8] -= 2
    (packet[10], packet[11]) = (0, 0)
    let sum = ~SamplePackets.onesComplementSum(Array(packet[..<20]))
    (packet[10], packet[11]) = (UInt8(sum >> 8), UInt8(sum & 0xff))
    return packet
  }
}
