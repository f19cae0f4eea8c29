// Octets of a tunnel record (64):
//   0 family, 1 hop limit, 2 DSCP, 3 ECN mode, 4–7 flags, 8–9 MTU, 10 encapsulation limit, 11 reserved, 12–15 users,
//   16–31 local, 32–47 remote, 48–63 reserved

/// Bits of a tunnel record's flag word: which settings are the record's own.
struct TunnelFlags: OptionSet {
  let rawValue: UInt32
  static let isStatic = TunnelFlags(rawValue: 1 << 0)
  static let hopLimit = TunnelFlags(rawValue: 1 << 1)
  /// With an MTU of 0 octets: automatic.
  static let mtu = TunnelFlags(rawValue: 1 << 2)
  static let encapsulationLimit = TunnelFlags(rawValue: 1 << 3)
  /// With `encapsulationLimit`: no option at all.
  static let noEncapsulationLimit = TunnelFlags(rawValue: 1 << 4)
  static let dscp = TunnelFlags(rawValue: 1 << 5)
  /// With `dscp`: copied from the inner packet.
  static let dscpCopy = TunnelFlags(rawValue: 1 << 6)
  /// With `dscp`, without `dscpCopy`: copied from the inner packet and back.
  static let dscpUniform = TunnelFlags(rawValue: 1 << 7)
  static let known = TunnelFlags(rawValue: (1 << 8) - 1)
}

extension TunnelRecord {
  public static let wireSize = 64

  init(decoding bytes: RawSpan, at base: Int) throws(RecordError) {
    let flags = TunnelFlags(rawValue: bytes.uint32(at: base + 4))
    guard flags.isSubset(of: .known) else { throw fieldError("flags", "unknown bit set") }
    tunnel = try Self.decodeKey(bytes, at: base)
    isStatic = flags.contains(.isStatic)
    hopLimit = try Self.decodeHopLimit(bytes.uint8(at: base + 1), flags)
    mtu = try Self.decodeMTU(bytes.uint16(at: base + 8), flags)
    encapsulationLimit = try Self.decodeEncapsulationLimit(bytes.uint8(at: base + 10), flags)
    dscp = try Self.decodeDSCP(bytes.uint8(at: base + 2), flags)
    let ecnMode = bytes.uint8(at: base + 3)
    ecn = ECN(rawValue: ecnMode)
    guard ecn != nil || ecnMode == 0 else { throw fieldError("ecn", "unknown mode \(ecnMode)") }
    try bytes.requireZero(base + 11..<base + 12, field: "reserved")
    users = bytes.uint32(at: base + 12)
    try bytes.requireZero(base + 48..<base + 64, field: "reserved")
  }

  static func decodeKey(_ bytes: RawSpan, at base: Int) throws(RecordError) -> WireTunnel {
    let family = try bytes.family(at: base, field: "tunnel")
    return try bytes.tunnel(at: base + 16, family: family, field: "tunnel")
  }

  private static func decodeHopLimit(_ value: UInt8, _ flags: TunnelFlags) throws(RecordError) -> UInt8? {
    guard flags.contains(.hopLimit) else {
      guard value == 0 else { throw fieldError("hopLimit", "must be zero without its flag") }
      return nil
    }
    guard value > 0 else { throw fieldError("hopLimit", "must be 1…255") }
    return value
  }

  private static func decodeMTU(_ value: UInt16, _ flags: TunnelFlags) throws(RecordError) -> MTU? {
    guard flags.contains(.mtu) else {
      guard value == 0 else { throw fieldError("mtu", "must be zero without its flag") }
      return nil
    }
    guard value != 0 else { return .automatic }
    guard value >= 68 else { throw fieldError("mtu", "must be 68…65535, or 0 for automatic") }
    return .octets(value)
  }

  private static func decodeEncapsulationLimit(
    _ value: UInt8, _ flags: TunnelFlags
  ) throws(RecordError) -> EncapsulationLimit? {
    let none = flags.contains(.noEncapsulationLimit)
    guard flags.contains(.encapsulationLimit) else {
      guard value == 0, !none else { throw fieldError("encapsulationLimit", "must be zero without its flag") }
      return nil
    }
    guard none else { return .limit(value) }
    guard value == 0 else { throw fieldError("encapsulationLimit", "must be zero when there is none") }
    return EncapsulationLimit.none
  }

  private static func decodeDSCP(_ value: UInt8, _ flags: TunnelFlags) throws(RecordError) -> DSCP? {
    let copy = flags.contains(.dscpCopy)
    let uniform = flags.contains(.dscpUniform)
    guard flags.contains(.dscp) else {
      guard value == 0, !copy, !uniform else { throw fieldError("dscp", "must be zero without its flag") }
      return nil
    }
    guard copy || uniform else {
      guard value <= 63 else { throw fieldError("dscp", "must be 0…63") }
      return .fixed(value)
    }
    guard value == 0, copy != uniform else { throw fieldError("dscp", "must be zero when copied, and of one model") }
    return uniform ? .uniform : .copy
  }

  func encode(into buffer: inout [UInt8]) {
    var flags: TunnelFlags = isStatic ? .isStatic : []
    var dscpValue: UInt8 = 0
    var mtuValue: UInt16 = 0
    var limitValue: UInt8 = 0
    if hopLimit != nil { flags.insert(.hopLimit) }
    switch mtu {
    case nil: break
    case .automatic: flags.insert(.mtu)
    case .octets(let octets):
      flags.insert(.mtu)
      mtuValue = octets
    }
    switch encapsulationLimit {
    case nil: break
    case .some(.none): flags.formUnion([.encapsulationLimit, .noEncapsulationLimit])
    case .limit(let limit):
      flags.insert(.encapsulationLimit)
      limitValue = limit
    }
    switch dscp {
    case nil: break
    case .copy: flags.formUnion([.dscp, .dscpCopy])
    case .uniform: flags.formUnion([.dscp, .dscpUniform])
    case .fixed(let value):
      flags.insert(.dscp)
      dscpValue = value
    }
    buffer.append(tunnel.local.family.rawValue)
    buffer.append(hopLimit ?? 0)
    buffer.append(dscpValue)
    buffer.append(ecn?.rawValue ?? 0)
    buffer.append(uint32: flags.rawValue)
    buffer.append(uint16: mtuValue)
    buffer.append(limitValue)
    buffer.append(0)
    buffer.append(uint32: users)
    buffer.append(address: tunnel.local)
    buffer.append(address: tunnel.remote)
    buffer.append(zeros: 16)
  }

  static func encodeKey(_ tunnel: WireTunnel, into buffer: inout [UInt8]) {
    TunnelRecord(tunnel: tunnel).encode(into: &buffer)
  }
}
