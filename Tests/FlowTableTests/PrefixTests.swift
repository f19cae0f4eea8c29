import FlowTable
import Testing

@Suite struct PrefixTests {
  @Test(arguments: [
    "::/0", "2001:db8::/32", "2001:db8:100:1::/64", "2001:db8::1/128", "0.0.0.0/0", "203.0.113.0/24", "198.51.100.1/32",
    "8000::/1", "128.0.0.0/1",
  ])
  func textComesBack(_ text: String) throws {
    #expect(try text.asPrefix.description == text)
  }

  @Test(arguments: [
    "", "::", "2001:db8::", "203.0.113.0", "::/129", "0.0.0.0/33", "::/-1", "::/+1", "::/", "/64", "::/064", "::/1 ",
    "::/ 1",
    "::/1/2", "2001:db8::1/64", "203.0.113.1/24", "::/1a", "::/00", "8000::/0", "::/9999999999999999999999",
  ])
  func refused(_ text: String) {
    #expect(Prefix(text: text) == nil)
  }

  @Test func hostBits() throws {
    #expect(Prefix(address: try "2001:db8::1".asAddress, length: 127) == nil)
    #expect(Prefix(covering: try "2001:db8::ffff:ffff".asAddress, length: 112).description == "2001:db8::ffff:0/112")
    #expect(Prefix(covering: try "203.0.113.77".asAddress, length: 26).description == "203.0.113.64/26")
    #expect(Prefix(covering: try "203.0.113.77".asAddress, length: 0).description == "0.0.0.0/0")
    #expect(Prefix(address: try "1.2.3.4".asAddress, length: 33) == nil)
    #expect(Prefix(address: try "1.2.3.4".asAddress, length: -1) == nil)
  }

  /// Against the definition: the first `length` bits of the octets are equal.
  @Test func containsIsEqualLeadingBits() {
    var generator = SeededGenerator(seed: testSeed("containsIsEqualLeadingBits"))
    for _ in 0..<20_000 {
      let isIPv6 = generator.oneIn(2)
      let width = isIPv6 ? 128 : 32
      let address =
        isIPv6
        ? IPAddress(ipv6High: generator.next(), low: generator.next())
        : IPAddress(ipv4: UInt32(truncatingIfNeeded: generator.next()))
      let length = generator.below(width + 1)
      let prefix = Prefix(covering: address, length: length)
      // One bit of the address turned: inside exactly when the bit is past the length.
      let turned = generator.below(width)
      var octets = address.octets
      octets[turned / 8] ^= 0x80 >> UInt8(turned % 8)
      let other = isIPv6 ? IPAddress(ipv6Octets: octets) : IPAddress(octets: octets)!
      #expect(prefix.contains(address))
      #expect(prefix.contains(other) == (turned >= length))
      let longer = Prefix(covering: other, length: min(length + 1, width))
      #expect(prefix.contains(longer) == (turned >= length))
      #expect(!longer.contains(prefix) || longer == prefix)
    }
  }

  @Test func familiesNeverMeet() throws {
    #expect(!(try "::/0".asPrefix.contains("1.2.3.4".asAddress)))
    #expect(!(try "0.0.0.0/0".asPrefix.contains("::ffff:1.2.3.4".asAddress)))
    #expect(!(try "::ffff:0.0.0.0/96".asPrefix.contains("1.2.3.4/32".asPrefix)))
  }
}
