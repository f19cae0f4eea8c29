import FastPath
import FlowTable
import Testing

/// A gateway's binding without an access link hosts nobody here.
struct AccessLinkTests {
  @Test func aBindingWithoutAccessLinkDeliversNowhere() throws {
    let gateway = try SampleDomain.gateway()
    let tunnel = try #require(
      gateway.writer.tunnel(
        TunnelEndpoints(
          local: try SampleDomain.address("2001:db8:a::1"), remote: try SampleDomain.address("2001:db8:1::1"))))
    try gateway.writer.apply([
      .set(
        Binding(
          key: BindingKey(table: .proxy, prefix: try SampleDomain.prefix("2001:db8:100:2::/64")), tunnel: tunnel))
    ])
    let inner = SamplePackets.ipv6(
      source: SamplePackets.correspondent, destination: SamplePackets.mobileNode2, next: 253, [1, 2, 3])
    let outer = SamplePackets.ipv6(
      source: SamplePackets.anchor, destination: SamplePackets.gateway1, next: 41, inner)
    let frame = SamplePackets.ethernet(
      to: [0x02, 0, 0, 0, 0x0a, 0x01], from: SamplePackets.transportMAC, type: 0x86dd, outer)
    let outcome = gateway.plane.process(frame, port: 0)
    #expect(outcome.fate == .dropped(.notOnLink))
    #expect(outcome.sent.isEmpty)
  }
}
