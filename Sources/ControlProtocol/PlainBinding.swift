/// A binding without anything rare: no access link, keys, peer or name. At an LMA that is nearly all of them, and the
/// first 64 octets of the record are all of it.
///
/// A frame of such records is kept as an array of these, which is a copy of its octets: no text, nothing counted by
/// reference, nothing to take apart. Reading a million of them into `BindingRecord`s took half a second.
public struct PlainBinding: Sendable, BitwiseCopyable {
  /// Neither host bits nor a length out of range.
  public let prefix: WirePrefix
  public let tunnel: WireTunnel
  private let seconds: UInt32
  public let table: BindingRecord.Table
  public let state: BindingRecord.State
  private let flags: UInt16
  /// That of `record`, see `TableRecord.checksum`: taken where the octets are at hand.
  public let checksum: UInt32

  private static let allowed: BindingFlags = [.localRoutingSet, .localRoutingOn, .requiresESP]

  public var lifetime: UInt32? { seconds == 0 ? nil : seconds }
  public var requiresESP: Bool { bindingFlags.contains(.requiresESP) }
  public var hasLocalRouting: Bool { bindingFlags.contains(.localRoutingSet) }

  private var bindingFlags: BindingFlags { BindingFlags(rawValue: UInt32(flags)) }

  /// The record that says the same.
  public var record: BindingRecord {
    BindingRecord(
      table: table, prefix: prefix, tunnel: tunnel, state: state, lifetime: lifetime,
      localRouting: hasLocalRouting ? bindingFlags.contains(.localRoutingOn) : nil, requiresESP: requiresESP)
  }

  /// Reads a record of `size` octets, 64 or more; nil when it is not plain, or is no valid record: then `BindingRecord` tells.
  @inline(__always)
  init?(decoding bytes: RawSpan, at base: Int, size: Int) {
    let flags = BindingFlags(rawValue: bytes.uint32(at: base + 4))
    guard flags.isSubset(of: Self.allowed), !flags.contains(.localRoutingOn) || flags.contains(.localRoutingSet),
      bytes.uint32(at: base + 12) == 0, bytes.isZero(base + BindingRecord.shortWireSize..<base + size),
      let table = BindingRecord.Table(rawValue: bytes.uint8(at: base)),
      let family = WireFamily(rawValue: bytes.uint8(at: base + 1)),
      let state = BindingRecord.State(rawValue: bytes.uint8(at: base + 3)), !state.needsPeer,
      let address = bytes.plainAddress(at: base + 16, family),
      let prefix = WirePrefix(address: address, length: Int(bytes.uint8(at: base + 2))),
      let local = bytes.plainAddress(at: base + 32, .ipv6), let remote = bytes.plainAddress(at: base + 48, .ipv6),
      !local.isUnspecified, !remote.isUnspecified, local != remote
    else { return nil }
    self.prefix = prefix
    tunnel = WireTunnel(local: local, remote: remote)
    seconds = bytes.uint32(at: base + 8)
    self.table = table
    self.state = state
    self.flags = UInt16(truncatingIfNeeded: flags.rawValue)
    checksum = state == .flushing ? 0 : Self.checksum(bytes, at: base)
  }

  /// Of the first 64 octets as they are but for the lifetime: a plain record has no other form.
  private static func checksum(_ bytes: RawSpan, at base: Int) -> UInt32 {
    var end = BindingRecord.shortWireSize
    while bytes.uint8(at: base + end - 1) == 0 { end -= 1 }
    var sum = CRC32()
    // The remote is not the unspecified address, so what ends early is in its sixteen octets.
    sum.add(words: bytes.uint64(at: base), bytes.uint64(at: base + 8) & ~0xffff_ffff)
    sum.add(bytes.extracting(base + 16..<base + end))
    return sum.value
  }
}

extension RawSpan {
  @inline(__always)
  fileprivate func plainAddress(at offset: Int, _ family: WireFamily) -> WireAddress? {
    let high = networkUInt64(at: offset)
    let low = networkUInt64(at: offset + 8)
    if family == .ipv6 { return WireAddress(ipv6High: high, low: low) }
    return high & 0xffff_ffff == 0 && low == 0 ? WireAddress(ipv4: UInt32(high >> 32)) : nil
  }
}

extension RecordList {
  /// The records of a frame of bindings when all of them are plain; nil when one is not, or is no valid record.
  func decodePlain(_ payload: RawSpan) -> [PlainBinding]? {
    guard table == .bindings, recordSize >= BindingRecord.shortWireSize, count > 0 else { return nil }
    var plain: [PlainBinding] = []
    plain.reserveCapacity(count)
    for index in 0..<count {
      guard let binding = PlainBinding(decoding: payload, at: start + index * recordSize, size: recordSize) else {
        return nil
      }
      plain.append(binding)
    }
    return plain
  }
}
