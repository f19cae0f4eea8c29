import FlowTable
import Testing

/// Every set of prefixes over the first three bits, reached by changing one prefix at a time (Gray code), and for every
/// set every address of those three bits.
@Suite struct ExhaustiveTests {
  static let prefixes: [(length: Int, bits: Int)] = (0...3).flatMap { length in
    (0..<(1 << length)).map { (length, $0) }
  }

  static func prefix(_ number: Int, _ family: AddressFamily) -> Prefix {
    let (length, bits) = prefixes[number]
    return Prefix(covering: address(bits << (3 - length), family), length: length)
  }

  static func address(_ threeBits: Int, _ family: AddressFamily) -> IPAddress {
    family == .ipv6
      ? IPAddress(ipv6High: UInt64(threeBits) << 61 | 0x1234, low: 5) : IPAddress(ipv4: UInt32(threeBits) << 29 | 0x77)
  }

  /// By hand: the longest of the set's prefixes whose bits lead the address.
  static func expected(_ set: Int, _ address: Int) -> Int? {
    prefixes.indices.reversed().first { number in
      set >> number & 1 == 1 && address >> (3 - prefixes[number].length) == prefixes[number].bits
    }
  }

  @Test(arguments: [AddressFamily.ipv6, .ipv4], [BindingTable.proxy, .mobile])
  func everySetOfBindings(_ family: AddressFamily, _ table: BindingTable) throws {
    let fixture = try Fixture(tunnels: Self.prefixes.count)
    let addresses = (0..<8).map { Self.address($0, family) }
    var set = 0
    for step in 1...(1 << Self.prefixes.count) {
      let changed = step.trailingZeroBitCount % Self.prefixes.count
      set ^= 1 << changed
      let key = BindingKey(table: table, prefix: Self.prefix(changed, family))
      if set >> changed & 1 == 1 {
        try fixture.writer.apply([.set(Binding(key: key, tunnel: fixture.tunnels[changed]))])
      } else {
        try fixture.writer.apply([.remove(key)])
      }
      if step % 3 == 0 { fixture.writer.reclaim() }
      if step % 64 == 0 { try fixture.writer.expectSound("set \(set)") }
      let found = fixture.table.view.snapshot().find(addresses).map { $0?.tunnel }
      try #require(found == (0..<8).map { Self.expected(set, $0).map { fixture.tunnels[$0] } }, "set \(set)")
    }
  }

  @Test(arguments: [AddressFamily.ipv6, .ipv4])
  func everySetOfRoutes(_ family: AddressFamily) throws {
    let fixture = try Fixture()
    let hops = try Self.prefixes.map { _ in try fixture.writer.addNextHop(.kernel) }
    let addresses = (0..<8).map { Self.address($0, family) }
    var set = 0
    for step in 1...(1 << Self.prefixes.count) {
      let changed = step.trailingZeroBitCount % Self.prefixes.count
      set ^= 1 << changed
      if set >> changed & 1 == 1 {
        try fixture.writer.setRoute(Self.prefix(changed, family), hops[changed])
      } else {
        try fixture.writer.removeRoute(Self.prefix(changed, family))
      }
      if step % 5 == 0 { fixture.writer.reclaim() }
      if step % 64 == 0 { try fixture.writer.expectSound("set \(set)") }
      let found = fixture.table.view.snapshot().findRoutes(addresses)
      try #require(found == (0..<8).map { Self.expected(set, $0).map { hops[$0] } }, "set \(set)")
    }
  }

  /// Every length of both families, alone in the table: the first and last address inside, and those just outside.
  @Test(arguments: [AddressFamily.ipv6, .ipv4])
  func everyLengthAlone(_ family: AddressFamily) throws {
    let fixture = try Fixture()
    let width = family.longestPrefix
    for length in 0...width {
      let pattern = try (family == .ipv6 ? "a5a5:a5a5:a5a5:a5a5:a5a5:a5a5:a5a5:a5a5" : "165.165.165.165").asAddress
      let prefix = Prefix(covering: pattern, length: length)
      try fixture.writer.apply([
        .set(Binding(key: BindingKey(table: .proxy, prefix: prefix), tunnel: fixture.tunnels[0]))
      ])
      let octets = prefix.address.octets
      let last = octets.indices.map { octet in
        octets[octet] | UInt8(truncatingIfNeeded: 0xff >> max(0, min(8, length - octet * 8)))
      }
      var outside = octets
      if length > 0 { outside[(length - 1) / 8] ^= 0x80 >> UInt8((length - 1) % 8) }
      let found = fixture.table.view.snapshot().find([
        prefix.address, try #require(IPAddress(octets: last)), try #require(IPAddress(octets: outside)),
      ])
      #expect(found[0]?.prefix == prefix && found[1]?.prefix == prefix)
      #expect(found[2]?.prefix == (length == 0 ? prefix : nil))
      try fixture.writer.apply([.remove(BindingKey(table: .proxy, prefix: prefix))])
      fixture.writer.reclaim()
      #expect(fixture.table.view.snapshot().find([pattern]) == [nil])
    }
  }
}
