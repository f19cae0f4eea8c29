import ControlProtocol

/// Records of a table that is easy to count.
enum Samples {
  static func binding(_ number: Int, remote: UInt64 = 1) -> TableRecord {
    .binding(BindingRecord(prefix: prefix(number), tunnel: tunnel(remote)))
  }

  static func bindings(_ numbers: Range<Int>, remote: UInt64 = 1) -> [TableRecord] {
    numbers.map { binding($0, remote: remote) }
  }

  static func prefix(_ number: Int) -> WirePrefix {
    // A /64 of documentation space: no host bits, so there is one.
    WirePrefix(address: WireAddress(ipv6High: 0x2001_0db8_0000_0000 | UInt64(number), low: 0), length: 64)!
  }

  static func tunnel(_ remote: UInt64) -> WireTunnel {
    WireTunnel(
      local: WireAddress(ipv6High: 0x2001_0db8_ffff_0000, low: 1),
      remote: WireAddress(ipv6High: 0x2001_0db8_ffff_0001, low: remote))
  }
}
