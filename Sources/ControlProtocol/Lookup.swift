/// LOOKUP: one entry, or the entries that share a prefix.
public enum LookupRequest: Hashable, Sendable {
  /// The binding that a packet to this address uses: Mobile IPv6 first, then proxy, longest match in each; a visitor
  /// prefix when neither has one.
  case address(WireAddress)
  /// Every binding, visitor and localized route (by `from`) with exactly this prefix.
  case prefix(WirePrefix)
  case tunnel(WireTunnel)
  case route(from: WirePrefix, to: WirePrefix)
}

/// Packets and octets of one entry. Uplink is from the mobile node.
public struct TrafficRecord: Hashable, Sendable, BitwiseCopyable {
  public var upPackets: UInt64
  public var upBytes: UInt64
  public var downPackets: UInt64
  public var downBytes: UInt64

  public init(upPackets: UInt64 = 0, upBytes: UInt64 = 0, downPackets: UInt64 = 0, downBytes: UInt64 = 0) {
    self.upPackets = upPackets
    self.upBytes = upBytes
    self.downPackets = downPackets
    self.downBytes = downBytes
  }
}

/// One entry of a LOOKUP reply.
public struct LookupEntry: Hashable, Sendable {
  public var record: TableRecord
  public var traffic: TrafficRecord

  public init(record: TableRecord, traffic: TrafficRecord) {
    self.record = record
    self.traffic = traffic
  }
}

// Request, octets: 0 kind (1 address, 2 prefix, 3 tunnel, 4 route), 1 family, 2 length of the first prefix, 3 length of
// the second, 4–7 reserved, 8–23 first address, 24–39 second address.

extension LookupRequest {
  static let wireSize = 40

  init(payload: RawSpan) throws(DecodeError) {
    guard payload.byteCount >= Self.wireSize else {
      throw .truncated(what: "LOOKUP", need: Self.wireSize, have: payload.byteCount)
    }
    guard payload.byteCount == Self.wireSize else {
      throw .trailingOctets(what: "LOOKUP", count: payload.byteCount - Self.wireSize)
    }
    guard payload.isZero(4..<8) else { throw .reservedNotZero(field: "reserved") }
    do throws(RecordError) {
      self = try Self.decodeKey(payload)
    } catch {
      throw .record(error)
    }
  }

  private static func decodeKey(_ payload: RawSpan) throws(RecordError) -> LookupRequest {
    let family = try payload.family(at: 1, field: "family")
    let (length, secondLength) = (payload.uint8(at: 2), payload.uint8(at: 3))
    switch payload.uint8(at: 0) {
    case 1:
      guard length == 0, secondLength == 0 else { throw fieldError("length", "must be zero for an address") }
      try payload.requireZero(24..<40, field: "second address")
      return .address(try payload.address(at: 8, family: family, field: "address"))
    case 2:
      guard secondLength == 0 else { throw fieldError("length", "must be zero for the second address") }
      try payload.requireZero(24..<40, field: "second address")
      return .prefix(try payload.prefix(at: 8, family: family, length: length, field: "prefix"))
    case 3:
      guard length == 0, secondLength == 0 else { throw fieldError("length", "must be zero for a tunnel") }
      return .tunnel(try payload.tunnel(at: 8, family: family, field: "tunnel"))
    case 4:
      return .route(
        from: try payload.prefix(at: 8, family: family, length: length, field: "route.from"),
        to: try payload.prefix(at: 24, family: family, length: secondLength, field: "route.to"))
    default: throw fieldError("kind", "must be 1…4")
    }
  }

  func encode(into buffer: inout [UInt8]) {
    switch self {
    case .address(let address): Self.encode(1, (address, 0), nil, into: &buffer)
    case .prefix(let prefix): Self.encode(2, (prefix.address, prefix.length), nil, into: &buffer)
    case .tunnel(let tunnel): Self.encode(3, (tunnel.local, 0), (tunnel.remote, 0), into: &buffer)
    case .route(let from, let to):
      Self.encode(4, (from.address, from.length), (to.address, to.length), into: &buffer)
    }
  }

  private static func encode(
    _ kind: UInt8, _ first: (WireAddress, UInt8), _ second: (WireAddress, UInt8)?, into buffer: inout [UInt8]
  ) {
    buffer.append(kind)
    buffer.append(first.0.family.rawValue)
    buffer.append(first.1)
    buffer.append(second?.1 ?? 0)
    buffer.append(uint32: 0)
    buffer.append(address: first.0)
    if let second { buffer.append(address: second.0) } else { buffer.append(zeros: 16) }
  }
}

// Reply: count entries of record size octets: 0–1 table, 2–7 reserved, 8–15 uplink packets, 16–23 uplink octets,
// 24–31 downlink packets, 32–39 downlink octets, then the record.

extension LookupEntry {
  private static let tagSize = 40

  static func decode(
    header: FrameHeader, payload: RawSpan, limits: Limits
  ) throws(DecodeError) -> [LookupEntry] {
    let list = try RecordList(header: header, payload: payload, prelude: 0, table: nil, limits: limits)
    guard list.count == 0 || list.recordSize > tagSize else { throw .recordSize(list.recordSize) }
    let records = try list.decode(payload, tagSize: tagSize) { (bytes, base, table) throws(RecordError) in
      try TableRecord(decoding: bytes, at: base, table: table)
    }
    var entries: [LookupEntry] = []
    for (index, record) in records.enumerated() {
      let base = index * list.recordSize
      entries.append(
        LookupEntry(
          record: record,
          traffic: TrafficRecord(
            upPackets: payload.uint64(at: base + 8), upBytes: payload.uint64(at: base + 16),
            downPackets: payload.uint64(at: base + 24), downBytes: payload.uint64(at: base + 32))))
    }
    return entries
  }

  static func encode(_ entries: [LookupEntry], header: FrameHeader, into buffer: inout [UInt8]) {
    let size = entries.map(\.record.table.recordSize).max() ?? 0
    var header = header
    header.count = UInt32(entries.count)
    header.recordSize = entries.isEmpty ? 0 : UInt16(tagSize + size)
    buffer.appendFrame(header) { buffer in
      for entry in entries {
        buffer.append(uint64: UInt64(entry.record.table.rawValue))
        buffer.append(uint64: entry.traffic.upPackets)
        buffer.append(uint64: entry.traffic.upBytes)
        buffer.append(uint64: entry.traffic.downPackets)
        buffer.append(uint64: entry.traffic.downBytes)
        entry.record.encode(into: &buffer, size: size)
      }
    }
  }
}
