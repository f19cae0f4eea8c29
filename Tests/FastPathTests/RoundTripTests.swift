import FastPath
import FlowTable
import Testing

/// Properties that hold for every packet, whatever the tables: the oracle is the packet that went in.
struct RoundTripTests {
  /// RFC 2473 and R2473-2: through anchor and gateway a packet loses two hops and nothing else.
  @Test(arguments: [0, 1, 7, 64, 1000, 1420])
  func ipv6SurvivesEncapsulationAndDecapsulation(size: Int) throws {
    let anchor = try SampleDomain.anchor()
    let gateway = try SampleDomain.gateway()
    var generator = SystemRandomNumberGenerator()
    let body = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let inner = SamplePackets.ipv6(
      source: SamplePackets.correspondent, destination: SamplePackets.mobileNode1, next: 253, trafficClass: 0xba,
      label: 0xabcde, body)
    let frame = SamplePackets.ethernet(
      to: SamplePackets.coreMAC, from: SamplePackets.peerMAC, type: 0x86dd, inner)
    let tunnelled = anchor.plane.process(frame, port: 0)
    #expect(tunnelled.fate == .transmitted)
    let middle = try #require(tunnelled.sent.first)
    #expect(middle.port == 1)
    #expect(middle.frame.count == 14 + 40 + inner.count)
    let delivered = gateway.plane.process(middle.frame, port: 0)
    let last = try #require(delivered.sent.first)
    #expect(last.port == 1)
    var expected = inner
    expected[7] = 62
    #expect(Array(last.frame.dropFirst(14)) == expected)
  }

  /// RFC 1624 against RFC 1071 in its plain form: identifications 0…65535 make the checksum take all its values.
  @Test func everyIPv4ChecksumStaysRight() throws {
    let anchor = try SampleDomain.anchor()
    let gateway = try SampleDomain.gateway()
    for identification in 0...UInt16.max {
      let inner = SamplePackets.ipv4(
        source: SamplePackets.correspondent4, destination: SamplePackets.mobileNode1v4, proto: 17,
        timeToLive: UInt8(3 + identification % 250), service: UInt8(truncatingIfNeeded: identification &* 7) & 0xfc | 2,
        identification: identification, SamplePackets.udp(from: 1, to: 2, [1, 2, 3]))
      let frame = SamplePackets.ethernet(to: SamplePackets.coreMAC, from: SamplePackets.peerMAC, type: 0x0800, inner)
      var tunnelled = try #require(anchor.plane.process(frame, port: 0).sent.first).frame
      // A congested router on the way marks the outer header CE (RFC 3168): the gateway rewrites the inner octet.
      tunnelled[15] |= 0x30
      let header = Array(try #require(gateway.plane.process(tunnelled, port: 0).sent.first).frame[14..<34])
      guard SamplePackets.onesComplementSum(header) == 0xffff, header[1] & 3 == 3, header[8] == inner[8] - 2 else {
        Issue.record("identification \(identification): header \(header)")
        return
      }
    }
  }

  /// R6438-1, -2: 20 bits, never zero, the same for one flow, spread over flows; unlabelled when so configured.
  @Test func flowLabelsSpread() throws {
    let domain = try SampleDomain.anchor()
    var bins = [Int](repeating: 0, count: 256)
    var everySet: UInt32 = 0
    var everyClear: UInt32 = 0xf_ffff
    for flow in 0..<10_000 {
      let label = try label(flow: flow, domain: domain)
      #expect(label != 0)
      #expect(try self.label(flow: flow, domain: domain) == label)
      bins[Int(label & 0xff)] += 1
      everySet |= label
      everyClear &= label
    }
    #expect(everySet == 0xf_ffff && everyClear == 0)
    let mean = 10_000.0 / 256
    let chiSquare = bins.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) / mean }
    // 255 degrees of freedom: 99.99 % of honest draws lie below 347.
    #expect(chiSquare < 347)
    #expect(try label(flow: 1, domain: try SampleDomain.anchor(labels: false)) == 0)
  }

  private func label(flow: Int, domain: SampleDomain) throws -> UInt32 {
    let inner = SamplePackets.ipv6(
      source: SamplePackets.correspondent, destination: SamplePackets.mobileNode1, next: 17,
      SamplePackets.udp(from: UInt16(flow), to: 443, []))
    let frame = SamplePackets.ethernet(to: SamplePackets.coreMAC, from: SamplePackets.peerMAC, type: 0x86dd, inner)
    let sent = try #require(domain.plane.process(frame, port: 0).sent.first).frame
    return UInt32(sent[15] & 0x0f) << 16 | UInt32(sent[16]) << 8 | UInt32(sent[17])
  }
}
