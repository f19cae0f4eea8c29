import FlowTable
import SlowPath
import Testing

/// What is made of the packets that the kernel sends into the TUN device: any octets at all.
@Suite struct OwnPacketTests {
  private static let pools = ["2001:db8:100::/48", "203.0.113.0/24"].compactMap(Prefix.init(text:))
  private static let toMobileNode = EnginePackets.ipv6(
    EnginePackets.anchor, EnginePackets.mobileNode, next: 17, [1, 2, 3, 4, 0, 8, 5, 6])
  private static let toMobileNode4 = EnginePackets.ipv4(
    "198.51.100.254", "203.0.113.10", proto: 17, flags: 0, [1, 2, 3, 4, 0, 8, 5, 6])

  private func read(_ packet: [UInt8]) -> OwnPacket? {
    OwnPacket(packet, pools: Self.pools, localAddresses: Set([IPAddress(text: "203.0.113.1")].compactMap(\.self)))
  }

  /// RFC 2473 section 3.1: the turn takes one hop off what is originated, and the host's own packet loses none.
  @Test func aPacketForAMobileNodeGetsTheHopThatItsTurnTakes() throws {
    let packet = try #require(read(Self.toMobileNode))
    var expected = Self.toMobileNode
    expected[7] = 65
    #expect(packet.octets == expected)
    let packet4 = try #require(read(Self.toMobileNode4))
    #expect(packet4.octets[8] == 65)
    #expect(EnginePackets.foldedSum(Array(packet4.octets[..<20])) == 0xffff, "the header's checksum is wrong")
    #expect(packet4.octets[12...] == Self.toMobileNode4[12...])
  }

  @Test func thereIsNoHopBeyondTheLast() throws {
    var packet = Self.toMobileNode
    packet[7] = 255
    #expect(read(packet)?.octets == packet)
  }

  /// No packet from outside the tunnels bears a mobile node's address, but this host may have one of a pool itself.
  @Test func anAddressOfAPoolIsNoSourceUnlessItIsThisHosts() {
    for (source, isTaken) in [("203.0.113.1", true), ("203.0.113.2", false), ("192.0.2.9", true)] {
      let packet = EnginePackets.ipv4(source, "203.0.113.10", proto: 17, flags: 0, [1, 2, 3, 4, 0, 8, 5, 6])
      #expect((read(packet) != nil) == isTaken)
    }
    let packet = EnginePackets.ipv6("2001:db8:100:2::20", EnginePackets.mobileNode, next: 17, [1, 2, 3, 4, 0, 8, 5, 6])
    #expect(read(packet) == nil)
  }

  @Test func whatIsNotForAMobileNodeIsLeft() {
    for destination in ["ff02::16", EnginePackets.correspondent] {
      let packet = EnginePackets.ipv6(EnginePackets.anchor, destination, next: 58, [143, 0, 0, 0])
      #expect(read(packet) == nil)
    }
    for packet in [Self.toMobileNode, Self.toMobileNode4] {
      for length in 0..<20 { #expect(read(Array(packet[..<length])) == nil) }
      for version in [0, 1, 5, 7, 15] as [UInt8] {
        #expect(read([version << 4 | 5] + packet.dropFirst()) == nil)
      }
    }
    // A header that claims more, or less, than is there.
    for first in [0x44, 0x4f] as [UInt8] {
      #expect(read([first] + Self.toMobileNode4.dropFirst()) == nil)
    }
  }
}
