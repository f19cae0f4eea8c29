/// DUMP: everything in a table, in slices.
public struct DumpRequest: Hashable, Sendable {
  /// Nil is every table: peers, tunnels, visitors, bindings, routes, in this order, so that loading a dump never meets
  /// a record before what it names, and nothing is forwarded to a failed peer meanwhile.
  public var table: TableNumber?
  /// 0 starts; the cookie of the last frame received goes on after it.
  public var cookie: UInt64

  public init(table: TableNumber? = nil, cookie: UInt64 = 0) {
    self.table = table
    self.cookie = cookie
  }
}

/// One frame of a dump; the one without records ends it.
public struct DumpSlice: Hashable, Sendable {
  /// Nil in the last, empty frame of a dump of all tables.
  public var table: TableNumber?
  /// Continues after this frame; 0 in the last.
  public var cookie: UInt64
  public var generation: UInt64
  /// All of `table`.
  public var records: [TableRecord]

  public init(table: TableNumber?, cookie: UInt64, generation: UInt64, records: [TableRecord]) {
    self.table = table
    self.cookie = cookie
    self.generation = generation
    self.records = records
  }
}

// Request, octets: 0–1 table (0 = all), 2–7 reserved, 8–15 cookie.
// Reply, octets: 0–1 table, 2–7 reserved, 8–15 cookie, 16–23 generation, then count records of that table.

extension DumpRequest {
  init(payload: RawSpan) throws(DecodeError) {
    guard payload.byteCount >= 16 else { throw .truncated(what: "DUMP", need: 16, have: payload.byteCount) }
    guard payload.byteCount == 16 else { throw .trailingOctets(what: "DUMP", count: payload.byteCount - 16) }
    guard payload.isZero(2..<8) else { throw .reservedNotZero(field: "reserved") }
    let number = payload.uint16(at: 0)
    table = TableNumber(rawValue: number)
    guard table != nil || number == 0 else { throw .unknownValue(field: "table", value: UInt64(number)) }
    cookie = payload.uint64(at: 8)
  }

  func encode(into buffer: inout [UInt8]) {
    buffer.append(uint64: UInt64(table?.rawValue ?? 0))
    buffer.append(uint64: cookie)
  }
}

extension DumpSlice {
  private static let preludeSize = 24

  init(header: FrameHeader, payload: RawSpan, limits: Limits) throws(DecodeError) {
    let prelude = Self.preludeSize
    guard payload.byteCount >= prelude else {
      throw .truncated(what: "DUMP reply", need: prelude, have: payload.byteCount)
    }
    guard payload.isZero(2..<8) else { throw .reservedNotZero(field: "reserved") }
    let number = payload.uint16(at: 0)
    let table = TableNumber(rawValue: number)
    guard table != nil || (number == 0 && header.count == 0) else {
      throw .unknownValue(field: "table", value: UInt64(number))
    }
    let list = try RecordList(header: header, payload: payload, prelude: prelude, table: table, limits: limits)
    self.table = table
    cookie = payload.uint64(at: 8)
    generation = payload.uint64(at: 16)
    records = try list.decode(payload, tagSize: 0) { (bytes, base, table) throws(RecordError) in
      try TableRecord(decoding: bytes, at: base, table: table)
    }
  }

  func encode(header: FrameHeader, into buffer: inout [UInt8]) {
    let size = records.lazy.map(\.compactWireSize).max() ?? 0
    var header = header
    header.count = UInt32(records.count)
    header.recordSize = UInt16(size)
    buffer.appendFrame(header) { buffer in
      buffer.append(uint64: UInt64(table?.rawValue ?? 0))
      buffer.append(uint64: cookie)
      buffer.append(uint64: generation)
      for record in records { record.encode(into: &buffer, size: size) }
    }
  }
}
