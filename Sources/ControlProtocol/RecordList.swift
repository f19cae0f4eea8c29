// A frame's records: count × record size octets. In a frame of table 0 ("mixed") each record is preceded by 8 octets
// (table u16, reserved), which its record size includes.

/// Octets before each record of a mixed frame.
let mixedTagSize = 8

/// Reads one record of a known table.
extension TableRecord {
  init(decoding bytes: RawSpan, at base: Int, table: TableNumber) throws(RecordError) {
    switch table {
    case .bindings: self = .binding(try BindingRecord(decoding: bytes, at: base))
    case .tunnels: self = .tunnel(try TunnelRecord(decoding: bytes, at: base))
    case .routes: self = .route(try LocalizedRouteRecord(decoding: bytes, at: base))
    case .visitors: self = .visitor(try VisitorRecord(decoding: bytes, at: base))
    case .peers: self = .peer(try PeerRecord(decoding: bytes, at: base))
    }
  }

  /// Octets that must be sent; what follows in the full record is zero.
  var compactWireSize: Int {
    if case .binding(let record) = self { return record.compactWireSize }
    return table.recordSize
  }

  /// Appends exactly `size` octets, at least `compactWireSize`.
  func encode(into buffer: inout [UInt8], size: Int) {
    let end = buffer.count + size
    switch self {
    case .binding(let record): record.encode(into: &buffer, size: min(record.compactWireSize, size))
    case .tunnel(let record): record.encode(into: &buffer)
    case .route(let record): record.encode(into: &buffer)
    case .visitor(let record): record.encode(into: &buffer)
    case .peer(let record): record.encode(into: &buffer)
    }
    buffer.append(zeros: end - buffer.count)
  }
}

extension TableKey {
  /// Octets of the key fields, the beginning of the table's record.
  var wireSize: Int {
    switch self {
    case .binding, .bindings: BindingRecord.shortWireSize
    case .tunnel, .route: 48
    case .visitor, .peer: 32
    }
  }

  init(decoding bytes: RawSpan, at base: Int, table: TableNumber) throws(RecordError) {
    switch table {
    case .bindings:
      let flags = BindingFlags(rawValue: bytes.uint32(at: base + 4))
      guard !flags.contains(.remote) else {
        self = try Self.decodeRemote(bytes, at: base, flags)
        return
      }
      // One of a later version may narrow or widen what goes, as `expect` and `remote` do.
      try bytes.requireFlags(at: base + 4, known: BindingFlags.delete.rawValue)
      let (cache, prefix) = try BindingRecord.decodeKey(bytes, at: base)
      guard flags.contains(.expect) else {
        self = .binding(cache, prefix, expect: nil)
        return
      }
      let family: WireFamily = flags.contains(.tunnelIPv4) ? .ipv4 : .ipv6
      self = .binding(cache, prefix, expect: try bytes.address(at: base + 48, family: family, field: "expect"))
    case .tunnels:
      try bytes.requireFlags(at: base + 4, known: TunnelFlags.known.rawValue)
      self = .tunnel(try TunnelRecord.decodeKey(bytes, at: base))
    case .routes:
      try bytes.requireFlags(at: base + 4, known: LocalizedRouteFlags.known.rawValue)
      let (from, to) = try LocalizedRouteRecord.decodeKey(bytes, at: base)
      self = .route(from: from, to: to)
    case .visitors: self = .visitor(try VisitorRecord.decodeKey(bytes, at: base))
    case .peers: self = .peer(try PeerRecord.decodeKey(bytes, at: base))
    }
  }

  /// No prefix may be there: a sender that gave one meant that binding only.
  private static func decodeRemote(
    _ bytes: RawSpan, at base: Int, _ flags: BindingFlags
  ) throws(RecordError) -> TableKey {
    guard flags.isSubset(of: [.remote, .remoteCache, .tunnelIPv4]) else { throw fieldError("flags", "unknown bit set") }
    var cache: BindingRecord.Table?
    if flags.contains(.remoteCache) {
      cache = BindingRecord.Table(rawValue: bytes.uint8(at: base))
      guard cache != nil else { throw fieldError("table", "unknown binding table \(bytes.uint8(at: base))") }
    } else {
      try bytes.requireZero(base..<base + 1, field: "table")
    }
    try bytes.requireZero(base + 1..<base + 4, field: "prefix")
    try bytes.requireZero(base + 8..<base + 48, field: "prefix")
    let family: WireFamily = flags.contains(.tunnelIPv4) ? .ipv4 : .ipv6
    let remote = try bytes.address(at: base + 48, family: family, field: "remote")
    guard !remote.isUnspecified else { throw fieldError("remote", "must not be the unspecified address") }
    return .bindings(remote: remote, cache)
  }

  /// Appends exactly `size` octets, at least `wireSize`.
  func encode(into buffer: inout [UInt8], size: Int) {
    let end = buffer.count + size
    switch self {
    case .binding(let cache, let prefix, let expect):
      var flags: BindingFlags = expect == nil ? [] : .expect
      if expect?.family == .ipv4 { flags.insert(.tunnelIPv4) }
      BindingRecord.encodeKey(cache, prefix, state: 0, flags: flags, lifetime: 0, into: &buffer)
      buffer.append(zeros: 16)
      if let expect { buffer.append(address: expect) } else { buffer.append(zeros: 16) }
    case .tunnel(let tunnel):
      TunnelRecord.encodeKey(tunnel, into: &buffer)
      buffer.removeLast(16)
    case .route(let from, let to): LocalizedRouteRecord.encodeKey(from, to, flags: [], lifetime: 0, into: &buffer)
    case .visitor(let prefix): VisitorRecord.encodeKey(prefix, into: &buffer)
    case .peer(let address): PeerRecord.encodeKey(address, state: 0, into: &buffer)
    case .bindings(let remote, let cache): BindingRecord.encodeKey(remote: remote, cache, into: &buffer)
    }
    buffer.append(zeros: end - buffer.count)
  }
}

/// Walks the records of a frame; the size rules are in one place.
struct RecordList {
  let start: Int
  let count: Int
  let recordSize: Int
  /// Nil: mixed.
  let table: TableNumber?

  /// Checks that exactly `count` records of the header's size follow the prelude, plus `tail` octets at most.
  init(
    header: FrameHeader, payload: RawSpan, prelude: Int, table: TableNumber?, limits: Limits
  ) throws(DecodeError) {
    start = prelude
    count = Int(header.count)
    recordSize = Int(header.recordSize)
    self.table = table
    guard count <= limits.recordsPerFrame else {
      throw .tooManyRecords(count: count, limit: limits.recordsPerFrame)
    }
    guard count == 0 || (1...Limits.recordOctets).contains(recordSize) else { throw .recordSize(recordSize) }
    // Both factors are bounded above, so the product cannot overflow.
    let need = prelude + count * recordSize
    guard payload.byteCount >= need else {
      throw .truncated(what: "payload", need: need, have: payload.byteCount)
    }
    guard payload.byteCount == need else {
      throw .trailingOctets(what: "the last record", count: payload.byteCount - need)
    }
  }

  /// Decodes all records; the first bad one is the error.
  ///
  /// A record shorter than this version's is read as if zeros followed; a longer one must end in zeros.
  func decode<Element>(
    _ payload: RawSpan, tagSize: Int, each: (RawSpan, Int, TableNumber) throws(RecordError) -> Element
  ) throws(DecodeError) -> [Element] {
    var elements: [Element] = []
    elements.reserveCapacity(count)
    var padded: [UInt8] = []
    for index in 0..<count {
      let base = start + index * recordSize
      do throws(RecordError) {
        let table = try table(of: payload, at: base)
        let size = recordSize - tagSize
        if size >= table.recordSize {
          try payload.requireZero(base + tagSize + table.recordSize..<base + recordSize, field: "record")
          elements.append(try each(payload, base + tagSize, table))
        } else {
          padded.removeAll(keepingCapacity: true)
          padded.append(octets: payload, base + tagSize..<base + recordSize)
          padded.append(zeros: table.recordSize - size)
          // Safe: UInt8 has no padding, and the span is not kept.
          elements.append(try each(unsafe padded.span.bytes, 0, table))
        }
      } catch {
        throw .record(RecordError(index: index, field: error.field, rule: error.rule))
      }
    }
    return elements
  }

  private func table(of payload: RawSpan, at base: Int) throws(RecordError) -> TableNumber {
    if let table { return table }
    guard recordSize > mixedTagSize else {
      throw fieldError("record", "a mixed record needs more than \(mixedTagSize) octets")
    }
    guard let table = TableNumber(rawValue: payload.uint16(at: base)) else {
      throw fieldError("table", "unknown table \(payload.uint16(at: base))")
    }
    try payload.requireZero(base + 2..<base + 8, field: "reserved")
    return table
  }
}
