import FastPath
import FlowTable
import Testing

/// Held packets of a worker when what they belonged to has changed before they leave.
@Suite struct HandoverReleaseTests {
  private static let anchor = SamplePackets.anchor
  private static let gateway2 = SamplePackets.gateway2

  private static func down(_ number: UInt8 = 0) -> [UInt8] {
    MobilityDomain.inner(from: SamplePackets.correspondent, to: SamplePackets.mobileNode1, number)
  }

  /// The number of a held packet's tunnel may be another tunnel's when it is sent: that one has carried nothing.
  @Test func tunnelThatHasGoneIsNotCounted() throws {
    let domain = try MobilityDomain()
    try domain.set(try domain.node1(.buffering, peer: domain.peer))
    #expect(domain.arrive(from: Self.gateway2, Self.down()).fate == .held)
    try domain.set(try domain.node1(.buffering))
    try domain.writer.removeTunnel(domain.peer)
    for _ in 0..<3 { domain.writer.reclaim() }
    let endpoints = TunnelEndpoints(
      local: try SampleDomain.address("2001:db8:a::1"), remote: try SampleDomain.address("2001:db8:c::1"))
    let other = try domain.writer.addTunnel(TunnelSettings(endpoints: endpoints), nextHop: domain.transport)
    #expect(other == domain.peer)
    try domain.set(try domain.node1(.flushing))
    #expect(domain.plane.serve(now: 1).compactMap(\.outcome.only).map(\.port) == [1])
    #expect(domain.writer.tunnelTraffic(other) == Traffic())
    #expect(try domain.writer.bindingTraffic(domain.node1().key)?.down.packets == 1)
    domain.expectInvariant()
  }

  /// A handover is cancelled and the next one begins before the worker has dropped what it held: those packets stay
  /// cancelled, and do not come out behind the live ones of the time between.
  @Test func nextHandoverDoesNotReviveTheCancelledOne() throws {
    let domain = try MobilityDomain()
    try domain.set(try domain.node1(.buffering))
    for number in 0..<40 { #expect(domain.arrive(from: Self.anchor, Self.down(UInt8(number))).fate == .held) }
    try domain.set(try domain.node1())
    #expect(domain.arrive(from: Self.anchor, Self.down(40)).fate == .transmitted)
    try domain.set(try domain.node1(.buffering))
    #expect(domain.arrive(from: Self.anchor, Self.down(41)).fate == .held)
    try domain.set(try domain.node1(.flushing))
    let served = domain.plane.serve(now: 1).map(\.outcome)
    #expect(
      served.map(\.fate) == [OfflinePlane.Outcome.Fate](repeating: .dropped(.bufferCancelled), count: 40)
        + [.transmitted])
    #expect(
      served.last?.only?.packet
        == MobilityDomain.forwarded(from: SamplePackets.correspondent, to: SamplePackets.mobileNode1, 41))
    domain.expectInvariant()
  }
}
