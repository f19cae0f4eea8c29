import FlowTable
import Testing

/// Expectations are the examples of RFC 5952 and the rules of inet_pton(3), not what our code printed once.
@Suite struct AddressTextTests {
  @Test(arguments: [
    // RFC 5952 section 1 and 4: all of these are one address.
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
    ("2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"),
    ("2001:db8:0:0:1::1", "2001:db8::1:0:0:1"),
    ("2001:db8:0000:0:1::1", "2001:db8::1:0:0:1"),
    ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
    // 4.2.2: one 16-bit zero field is not shortened. 4.2.3: the longest run, and of equal ones the first.
    ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
    ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"),
    ("2001:db8::aaaa:0:0:1", "2001:db8::aaaa:0:0:1"),
    ("::", "::"), ("0:0:0:0:0:0:0:1", "::1"), ("FE80::", "fe80::"),
    // Section 5: a mapped address keeps its dotted quad.
    ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("0:0:0:0:0:FFFF:192.0.2.1", "::ffff:192.0.2.1"),
    ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
  ])
  func canonicalText(_ text: String, _ canonical: String) throws {
    #expect(try #require(IPAddress(text: text)).description == canonical)
  }

  @Test(arguments: [
    "", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "2001:db8::g", "12345::", "fe80::1%core", " ::1",
    "::1 ", "::1/128", "[::1]", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.-4", "0x1.2.3.4", "1.2.3.4 ",
    "::1\0",
    "1.2.3.4\0", "::1.2.3", "localhost",
  ])
  func refused(_ text: String) {
    #expect(IPAddress(text: text) == nil)
  }

  @Test func wordsAndOctets() throws {
    let ipv6 = try "2001:db8:1:2:3:4:5:6".asAddress
    #expect(ipv6.high == 0x2001_0db8_0001_0002 && ipv6.low == 0x0003_0004_0005_0006 && ipv6.family == .ipv6)
    #expect(ipv6.octets == [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6])
    #expect(IPAddress(ipv6Octets: ipv6.octets) == ipv6)
    let ipv4 = try "198.51.100.1".asAddress
    #expect(ipv4.ipv4Value == 0xc633_6401 && ipv4.octets == [198, 51, 100, 1])
    #expect(IPAddress(octets: [198, 51, 100, 1]) == ipv4)
    #expect(IPAddress(octets: [1, 2, 3]) == nil)
    // An IPv6 packet's mapped address is not the IPv4 address.
    #expect(try "::ffff:198.51.100.1".asAddress != ipv4)
  }

  @Test func textComesBack() {
    var generator = SeededGenerator(seed: testSeed("textComesBack"))
    for _ in 0..<20_000 {
      // Zero groups often, since they are what the short form is about.
      let words = (0..<2).map { _ in generator.next() & generator.next() & generator.next() }
      let ipv6 = IPAddress(ipv6High: words[0], low: words[1])
      #expect(IPAddress(text: ipv6.description) == ipv6)
      let ipv4 = IPAddress(ipv4: UInt32(truncatingIfNeeded: generator.next()))
      #expect(IPAddress(text: ipv4.description) == ipv4)
    }
  }

  @Test func scopes() throws {
    for (text, property) in [
      ("ff02::1", \IPAddress.isMulticast), ("224.0.0.1", \.isMulticast), ("239.255.255.255", \.isMulticast),
      ("fe80::1", \.isLinkLocal), ("febf::1", \.isLinkLocal), ("169.254.1.1", \.isLinkLocal), ("::1", \.isLoopback),
      ("127.0.0.1", \.isLoopback), ("::", \.isUnspecified), ("0.0.0.0", \.isUnspecified),
    ] as [(String, KeyPath<IPAddress, Bool>)] {
      let address = try text.asAddress
      for other in [\IPAddress.isMulticast, \.isLinkLocal, \.isLoopback, \.isUnspecified] {
        #expect(address[keyPath: other] == (other == property), "\(text)")
      }
    }
    for text in ["fec0::1", "fe00::1", "223.255.255.255", "240.0.0.1", "128.0.0.1", "::2", "1::"] {
      let address = try text.asAddress
      #expect(!address.isMulticast && !address.isLinkLocal && !address.isLoopback && !address.isUnspecified)
    }
  }

  @Test func macAddresses() {
    #expect(MACAddress(text: "02:00:00:00:01:10")?.value == 0x0200_0000_0110)
    #expect(MACAddress(text: "0A:bC:00:00:00:FF")?.description == "0a:bc:00:00:00:ff")
    #expect(MACAddress(0x0200_0000_0110).octets == [2, 0, 0, 0, 1, 0x10])
    for text in [
      "", "02:00:00:00:01", "02:00:00:00:01:10:11", "2:00:00:00:01:10", "02-00-00-00-01-10", "+2:00:00:00:01:10",
      "02:00:00:00:01:1g", "020000000110", "02:00:00:00:01:10 ",
    ] {
      #expect(MACAddress(text: text) == nil, "\(text)")
    }
  }
}
