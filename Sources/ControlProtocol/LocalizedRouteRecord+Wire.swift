// Octets of a localized route record (80):
//   0 family of from, 1 length of from, 2 family of to, 3 length of to, 4–7 flags, 8–11 lifetime, 12–15 reserved,
//   16–31 from, 32–47 to, 48–63 via local, 64–79 via remote

/// Bits of a localized route record's flag word.
struct LocalizedRouteFlags: OptionSet {
  let rawValue: UInt32
  static let receiveOnly = LocalizedRouteFlags(rawValue: 1 << 0)
  static let viaLocal = LocalizedRouteFlags(rawValue: 1 << 1)
  static let viaIPv4 = LocalizedRouteFlags(rawValue: 1 << 2)
  static let known = LocalizedRouteFlags(rawValue: (1 << 3) - 1)
}

extension LocalizedRouteRecord {
  public static let wireSize = 80

  init(decoding bytes: RawSpan, at base: Int) throws(RecordError) {
    let flags = LocalizedRouteFlags(rawValue: bytes.uint32(at: base + 4))
    guard flags.isSubset(of: .known) else { throw fieldError("flags", "unknown bit set") }
    (from, to) = try Self.decodeKey(bytes, at: base)
    let seconds = bytes.uint32(at: base + 8)
    lifetime = seconds == 0 ? nil : seconds
    receiveOnly = flags.contains(.receiveOnly)
    try bytes.requireZero(base + 12..<base + 16, field: "reserved")
    if flags.contains(.viaLocal) {
      guard !flags.contains(.viaIPv4) else { throw fieldError("via", "local has no address family") }
      try bytes.requireZero(base + 48..<base + 80, field: "via")
      via = .local
    } else {
      let family: WireFamily = flags.contains(.viaIPv4) ? .ipv4 : .ipv6
      via = .tunnel(try bytes.tunnel(at: base + 48, family: family, field: "via"))
    }
  }

  static func decodeKey(_ bytes: RawSpan, at base: Int) throws(RecordError) -> (WirePrefix, WirePrefix) {
    let fromFamily = try bytes.family(at: base, field: "route.from")
    let toFamily = try bytes.family(at: base + 2, field: "route.to")
    let from = try bytes.prefix(
      at: base + 16, family: fromFamily, length: bytes.uint8(at: base + 1), field: "route.from")
    let to = try bytes.prefix(at: base + 32, family: toFamily, length: bytes.uint8(at: base + 3), field: "route.to")
    guard fromFamily == toFamily else { throw fieldError("route.to", "must have the address family of from") }
    return (from, to)
  }

  func encode(into buffer: inout [UInt8]) {
    var flags: LocalizedRouteFlags = receiveOnly ? .receiveOnly : []
    switch via {
    case .local: flags.insert(.viaLocal)
    case .tunnel(let tunnel): if tunnel.local.family == .ipv4 { flags.insert(.viaIPv4) }
    }
    Self.encodeKey(from, to, flags: flags, lifetime: lifetime ?? 0, into: &buffer)
    if case .tunnel(let tunnel) = via {
      buffer.append(address: tunnel.local)
      buffer.append(address: tunnel.remote)
    } else {
      buffer.append(zeros: 32)
    }
  }

  static func encodeKey(
    _ from: WirePrefix, _ to: WirePrefix, flags: LocalizedRouteFlags, lifetime: UInt32, into buffer: inout [UInt8]
  ) {
    buffer.append(from.address.family.rawValue)
    buffer.append(from.length)
    buffer.append(to.address.family.rawValue)
    buffer.append(to.length)
    buffer.append(uint32: flags.rawValue)
    buffer.append(uint32: lifetime)
    buffer.append(uint32: 0)
    buffer.append(address: from.address)
    buffer.append(address: to.address)
  }
}
