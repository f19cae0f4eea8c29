// Octets of a binding record:
//   0 table, 1 family, 2 prefix length, 3 state, 4–7 flags, 8–11 lifetime, 12–15 reserved,
//   16–31 prefix, 32–47 tunnel local, 48–63 tunnel remote                                    | enough for an LMA
//   64–79 port name, 80–85 MAC, 86–87 VLAN, 88–91 GRE key up, 92–95 GRE key down             | a MAG
//   96–111 peer local, 112–127 peer remote                                                    | handover states
//   128–191 mobile node identifier

/// Bits of a binding record's flag word.
struct BindingFlags: OptionSet {
  let rawValue: UInt32
  static let localRoutingSet = BindingFlags(rawValue: 1 << 0)
  static let localRoutingOn = BindingFlags(rawValue: 1 << 1)
  static let access = BindingFlags(rawValue: 1 << 2)
  static let greUp = BindingFlags(rawValue: 1 << 3)
  static let greDown = BindingFlags(rawValue: 1 << 4)
  static let peer = BindingFlags(rawValue: 1 << 5)
  /// The tunnel's and the peer's addresses are IPv4.
  static let tunnelIPv4 = BindingFlags(rawValue: 1 << 6)
  /// DELETE only: the tunnel remote is the one the binding must have.
  static let expect = BindingFlags(rawValue: 1 << 7)
  static let requiresESP = BindingFlags(rawValue: 1 << 8)
  /// DELETE only: every binding whose tunnel has this remote, whatever its prefix.
  static let remote = BindingFlags(rawValue: 1 << 9)
  /// With `remote`: of the cache in octet 0 only.
  static let remoteCache = BindingFlags(rawValue: 1 << 10)
  static let upsert: BindingFlags = [
    .localRoutingSet, .localRoutingOn, .access, .greUp, .greDown, .peer, .tunnelIPv4, .requiresESP,
  ]
  /// Of one binding's key, which may be its whole record.
  static let delete = upsert.union(.expect)
}

extension BindingRecord {
  public static let wireSize = 192
  /// Octets up to the tunnel: all that an LMA without names or keys needs.
  public static let shortWireSize = 64

  /// Reads the `wireSize` octets at `base`, which the caller has checked to be there.
  init(decoding bytes: RawSpan, at base: Int) throws(RecordError) {
    let flags = BindingFlags(rawValue: bytes.uint32(at: base + 4))
    guard flags.isSubset(of: .upsert) else { throw fieldError("flags", "unknown bit set") }
    (table, prefix) = try Self.decodeKey(bytes, at: base)
    guard let state = State(rawValue: bytes.uint8(at: base + 3)) else {
      throw fieldError("state", "unknown state \(bytes.uint8(at: base + 3))")
    }
    self.state = state
    let seconds = bytes.uint32(at: base + 8)
    lifetime = seconds == 0 ? nil : seconds
    try bytes.requireZero(base + 12..<base + 16, field: "reserved")
    let tunnelFamily: WireFamily = flags.contains(.tunnelIPv4) ? .ipv4 : .ipv6
    tunnel = try bytes.tunnel(at: base + 32, family: tunnelFamily, field: "tunnel")
    localRouting = try Self.decodeLocalRouting(flags)
    requiresESP = flags.contains(.requiresESP)
    access = try Self.decodeAccess(bytes, at: base, flags)
    greUp = flags.contains(.greUp) ? bytes.uint32(at: base + 88) : nil
    greDown = flags.contains(.greDown) ? bytes.uint32(at: base + 92) : nil
    if !flags.contains(.greUp) { try bytes.requireZero(base + 88..<base + 92, field: "greKey.up") }
    if !flags.contains(.greDown) { try bytes.requireZero(base + 92..<base + 96, field: "greKey.down") }
    if flags.contains(.peer) {
      peer = try bytes.tunnel(at: base + 96, family: tunnelFamily, field: "peer")
    } else {
      guard !state.needsPeer else { throw fieldError("peer", "is required in state \(state.name)") }
      peer = nil
      try bytes.requireZero(base + 96..<base + 128, field: "peer")
    }
    guard let name = bytes.paddedText(base + 128..<base + 192) else {
      throw fieldError("mn", "must be UTF-8 of at most \(Limits.mobileNodeOctets) octets, padded with zeros")
    }
    mobileNode = name.isEmpty ? nil : name
  }

  static func decodeKey(_ bytes: RawSpan, at base: Int) throws(RecordError) -> (Table, WirePrefix) {
    guard let table = Table(rawValue: bytes.uint8(at: base)) else {
      throw fieldError("table", "unknown binding table \(bytes.uint8(at: base))")
    }
    let family = try bytes.family(at: base + 1, field: "prefix")
    let prefix = try bytes.prefix(at: base + 16, family: family, length: bytes.uint8(at: base + 2), field: "prefix")
    return (table, prefix)
  }

  private static func decodeLocalRouting(_ flags: BindingFlags) throws(RecordError) -> Bool? {
    guard flags.contains(.localRoutingSet) else {
      guard !flags.contains(.localRoutingOn) else {
        throw fieldError("localRouting", "the value bit needs the presence bit")
      }
      return nil
    }
    return flags.contains(.localRoutingOn)
  }

  private static func decodeAccess(
    _ bytes: RawSpan, at base: Int, _ flags: BindingFlags
  ) throws(RecordError) -> Access? {
    guard flags.contains(.access) else {
      try bytes.requireZero(base + 64..<base + 88, field: "access")
      return nil
    }
    let port = try bytes.portName(base + 64..<base + 80, field: "access.port")
    let mac = bytes.networkUInt64(at: base + 80) >> 16
    guard mac != 0, mac >> 40 & 1 == 0 else { throw fieldError("access.mac", "must be a unicast address") }
    let vlan = bytes.uint16(at: base + 86)
    guard vlan <= 4094 else { throw fieldError("access.vlan", "must be 1…4094, or 0 for untagged") }
    return Access(port: port, mac: mac, vlan: vlan == 0 ? nil : vlan)
  }

  /// Octets this record needs: the rest is zero and may be left out.
  var compactWireSize: Int {
    if mobileNode != nil { return Self.wireSize }
    if peer != nil { return 128 }
    return access != nil || greUp != nil || greDown != nil ? 96 : Self.shortWireSize
  }

  /// Appends the first `size` octets; `size` is one of the four section ends, at least `compactWireSize`.
  func encode(into buffer: inout [UInt8], size: Int = Self.wireSize) {
    encodeShort(into: &buffer)
    guard size > 64 else { return }
    if let access {
      buffer.append(text: access.port, paddedTo: 16)
      buffer.append(networkUInt64: access.mac << 16 | UInt64((access.vlan ?? 0).byteSwapped))
    } else {
      buffer.append(zeros: 24)
    }
    buffer.append(uint32: greUp ?? 0)
    buffer.append(uint32: greDown ?? 0)
    guard size > 96 else { return }
    if let peer {
      buffer.append(address: peer.local)
      buffer.append(address: peer.remote)
    } else {
      buffer.append(zeros: 32)
    }
    guard size > 128 else { return }
    buffer.append(text: mobileNode ?? "", paddedTo: Limits.mobileNodeOctets)
  }

  /// The octets of every binding in one piece: a bulk load writes a million of them.
  private func encodeShort(into buffer: inout [UInt8]) {
    let head =
      UInt64(table.rawValue) | UInt64(prefix.address.family.rawValue) << 8 | UInt64(prefix.length) << 16
      | UInt64(state.rawValue) << 24 | UInt64(wireFlags.rawValue) << 32
    let (address, local, remote) = (prefix.address.wireWords, tunnel.local.wireWords, tunnel.remote.wireWords)
    buffer.append(words: [
      head.littleEndian, UInt64(lifetime ?? 0).littleEndian, address.0, address.1, local.0, local.1, remote.0, remote.1,
    ])
  }

  static func encodeKey(
    _ table: Table, _ prefix: WirePrefix, state: UInt8, flags: BindingFlags, lifetime: UInt32,
    into buffer: inout [UInt8]
  ) {
    buffer.append(table.rawValue)
    buffer.append(prefix.address.family.rawValue)
    buffer.append(prefix.length)
    buffer.append(state)
    buffer.append(uint32: flags.rawValue)
    buffer.append(uint32: lifetime)
    buffer.append(uint32: 0)
    buffer.append(address: prefix.address)
  }

  /// The key of all bindings with one tunnel remote: 64 octets.
  static func encodeKey(remote: WireAddress, _ cache: Table?, into buffer: inout [UInt8]) {
    var flags: BindingFlags = cache == nil ? .remote : [.remote, .remoteCache]
    if remote.family == .ipv4 { flags.insert(.tunnelIPv4) }
    buffer.append(uint32: UInt32(cache?.rawValue ?? 0))
    buffer.append(uint32: flags.rawValue)
    buffer.append(zeros: 40)
    buffer.append(address: remote)
  }

  private var wireFlags: BindingFlags {
    var flags: BindingFlags = []
    if let localRouting { flags.formUnion(localRouting ? [.localRoutingSet, .localRoutingOn] : .localRoutingSet) }
    if requiresESP { flags.insert(.requiresESP) }
    if access != nil { flags.insert(.access) }
    if greUp != nil { flags.insert(.greUp) }
    if greDown != nil { flags.insert(.greDown) }
    if peer != nil { flags.insert(.peer) }
    if tunnel.local.family == .ipv4 { flags.insert(.tunnelIPv4) }
    return flags
  }
}
