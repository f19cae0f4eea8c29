import FastPath
import FlowTable
import Testing

/// What `OfflinePlane.counters` hands out, and what is counted.
struct CounterTests {
  private static func frame(octets: Int = 8) -> [UInt8] {
    let inner = SamplePackets.ipv6(
      source: SamplePackets.correspondent, destination: SamplePackets.mobileNode1, next: 253,
      [UInt8](repeating: 7, count: octets))
    return SamplePackets.ethernet(to: SamplePackets.coreMAC, from: SamplePackets.peerMAC, type: 0x86dd, inner)
  }

  /// Sums are those of one moment: what is received afterwards is not in them.
  @Test func sumsDoNotChangeAfterwards() throws {
    let domain = try SampleDomain.anchor()
    _ = domain.plane.process(Self.frame(), port: 0)
    let before = domain.plane.counters
    _ = domain.plane.process(Self.frame(), port: 0)
    #expect(before.receivedPackets(port: 0) == 1)
    #expect(domain.plane.counters.receivedPackets(port: 0) == 2)
  }

  /// The workers' memory goes with the plane; sums taken from it stay readable.
  @Test func sumsOutliveThePlane() throws {
    var sums: [PlaneCounters] = []
    for _ in 0..<4 {
      let domain = try SampleDomain.anchor()
      _ = domain.plane.process(Self.frame(), port: 0)
      sums.append(domain.plane.counters)
    }
    for sum in sums { #expect(sum.transmittedPackets(port: 1) == 1) }
  }

  /// A frame that no port could have carried is received and dropped like any other.
  @Test func anOverlongFrameIsCounted() throws {
    let domain = try SampleDomain.anchor()
    let frame = Self.frame(octets: OfflinePlane.longestFrame)
    #expect(domain.plane.process(frame, port: 0).fate == .dropped(.tooBig))
    let counters = domain.plane.counters
    #expect(counters.drops(.tooBig) == 1)
    #expect(counters.receivedPackets(port: 0) == 1)
    #expect(counters.receivedOctets(port: 0) == UInt64(frame.count))
  }
}
