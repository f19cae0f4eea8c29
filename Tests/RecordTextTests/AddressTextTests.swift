import ControlProtocol
import Glibc
import RecordText
import Testing

/// The octets' own reader against inet_pton(3).
@Suite("Addresses from octets")
struct AddressTextTests {
  /// What the C library makes of a text.
  private static func expected(_ text: String) -> WireAddress? {
    var octets = [UInt8](repeating: 0, count: 16)
    if text.contains(":") {
      guard unsafe inet_pton(AF_INET6, text, &octets) == 1 else { return nil }
      let words = stride(from: 0, to: 16, by: 8).map { start in
        octets[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      }
      return WireAddress(ipv6High: words[0], low: words[1])
    }
    guard unsafe inet_pton(AF_INET, text, &octets) == 1 else { return nil }
    return WireAddress(ipv4: octets[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
  }

  private static func read(_ text: String) -> WireAddress? { WireAddress(Array(text.utf8).span) }

  @Test(
    "Forms and near misses",
    arguments: [
      "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "1::2::3", ":::",
      ":1::2", "1:", ":", "", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "00001::", "fFfF::AbCd", "g::",
      "::ffff:192.0.2.1", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.4:5", "1.2.3.4::",
      "::1.2.3.256",
      "0.0.0.0", "255.255.255.255", "1.2.3.4.", ".1.2.3.4", "1..2.3", "1.2.3", "1.2.3.4.5", "01.2.3.4", "00.0.0.0",
      "1.2.3.256",
      "1.2.3.4 ", " ::1", "::1%lo", "::1/64", "1.2.3.-4", "1:2:3:4:5:6:7:", "::0:0:0:0:0:0:0", "0:0:0:0:0:0:0::",
    ])
  func forms(text: String) {
    #expect(Self.read(text) == Self.expected(text), "\(text)")
  }

  @Test("Random texts of the characters of addresses")
  func random() {
    var generator = SeededGenerator(seed: TestSeed.value)
    let pieces = ["0", "1", "9", "a", "F", "ffff", "255", ":", ":", "::", ".", "2001", "db8", "192", "/", "x"]
    var addresses = 0
    for _ in 0..<100_000 {
      let count = Int.random(in: 1...15, using: &generator)
      let text = (0..<count).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
      let wanted = Self.expected(text)
      addresses += wanted == nil ? 0 : 1
      guard Self.read(text) == wanted else {
        Issue.record("\"\(text)\" is read as \(String(describing: Self.read(text))); \(TestSeed.rerun)")
        return
      }
    }
    #expect(addresses > 100, "random texts that are addresses are too few; \(TestSeed.rerun)")
  }

  @Test("Every address that inet_ntop writes is read back")
  func written() {
    var generator = SeededGenerator(seed: TestSeed.value)
    for _ in 0..<100_000 {
      // Runs of zeros, as they are abbreviated.
      let mask = UInt64.random(in: 0...(.max), using: &generator) & UInt64.random(in: 0...(.max), using: &generator)
      let groups = (0..<8).map {
        mask >> UInt64($0 * 3) & 1 == 1 ? UInt16.random(in: 0...(.max), using: &generator) : 0
      }
      let octets = groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
      var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
      unsafe inet_ntop(AF_INET6, octets, &text, socklen_t(text.count))
      let string = String(decoding: text.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)
      let high = groups[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
      let low = groups[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
      #expect(Self.read(string) == WireAddress(ipv6High: high, low: low), "\(string); \(TestSeed.rerun)")
    }
  }

  @Test(
    "Prefixes: plain decimal lengths in range, no host bits",
    arguments: [
      ("::/0", true), ("2001:db8::/32", true), ("2001:db8::1/128", true), ("203.0.113.0/24", true), ("0.0.0.0/0", true),
      ("2001:db8::1/64", false), ("::/129", false), ("::/-1", false), ("::/+1", false), ("::/064", false),
      ("::/", false),
      ("::", false), ("/64", false), ("203.0.113.0/33", false), ("203.0.113.1/24", false), ("::/1000", false),
      ("::/6 4", false), ("::/64/", false), ("", false), ("::/00", false),
    ])
  func prefixes(text: String, isOne: Bool) {
    #expect((WirePrefix(Array(text.utf8).span) != nil) == isOne, "\(text)")
  }
}
