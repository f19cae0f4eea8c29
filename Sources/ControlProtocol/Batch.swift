/// UPSERT: records to set.
public struct UpsertRequest: Sendable {
  /// The same records, in one form or the other.
  public enum Content: Sendable {
    /// As a received frame has them when all are bindings without anything rare.
    case plain([PlainBinding])
    case records([TableRecord])
  }

  public let content: Content

  public init(records: [TableRecord]) { content = .records(records) }

  public var records: [TableRecord] {
    switch content {
    case .plain(let bindings): bindings.map { .binding($0.record) }
    case .records(let records): records
    }
  }

  public var count: Int {
    switch content {
    case .plain(let bindings): bindings.count
    case .records(let records): records.count
    }
  }
}

extension UpsertRequest: Hashable {
  public static func == (one: UpsertRequest, other: UpsertRequest) -> Bool { one.records == other.records }

  public func hash(into hasher: inout Hasher) { hasher.combine(records) }
}

/// DELETE: keys to remove.
public struct DeleteRequest: Hashable, Sendable {
  public var keys: [TableKey]
  public init(keys: [TableKey]) { self.keys = keys }
}

// Both: 0–1 table (0 = mixed), 2–7 reserved, then count records of record size octets. DELETE reads only the key
// fields of each record, and a binding's `expect`.

let preludeSize = 8

private func decodePrelude(_ payload: RawSpan, what: String) throws(DecodeError) -> TableNumber? {
  guard payload.byteCount >= preludeSize else {
    throw .truncated(what: what, need: preludeSize, have: payload.byteCount)
  }
  guard payload.isZero(2..<8) else { throw .reservedNotZero(field: "reserved") }
  let number = payload.uint16(at: 0)
  guard number != 0 else { return nil }
  guard let table = TableNumber(rawValue: number) else { throw .unknownValue(field: "table", value: UInt64(number)) }
  return table
}

extension UpsertRequest {
  init(header: FrameHeader, payload: RawSpan, limits: Limits) throws(DecodeError) {
    let table = try decodePrelude(payload, what: "UPSERT")
    let list = try RecordList(header: header, payload: payload, prelude: preludeSize, table: table, limits: limits)
    if let plain = list.decodePlain(payload) {
      content = .plain(plain)
      return
    }
    content = .records(
      try list.decode(payload, tagSize: table == nil ? mixedTagSize : 0) {
        (bytes, base, table) throws(RecordError) in
        try TableRecord(decoding: bytes, at: base, table: table)
      })
  }

  func encode(requestID: UInt32, flags: FrameFlags, into buffer: inout [UInt8]) {
    var size = 0
    var table = records.first?.table
    for record in records {
      size = max(size, record.compactWireSize)
      if record.table != table { table = nil }
    }
    let tagged = table == nil
    let header = FrameHeader(
      type: .upsert, flags: flags, requestID: requestID, count: UInt32(records.count),
      recordSize: UInt16(size + (tagged && !records.isEmpty ? mixedTagSize : 0)))
    buffer.appendFrame(header) { buffer in
      buffer.append(uint64: UInt64(table?.rawValue ?? 0))
      for record in records {
        if tagged { buffer.append(uint64: UInt64(record.table.rawValue)) }
        record.encode(into: &buffer, size: size)
      }
    }
  }
}

extension DeleteRequest {
  init(header: FrameHeader, payload: RawSpan, limits: Limits) throws(DecodeError) {
    let table = try decodePrelude(payload, what: "DELETE")
    let list = try RecordList(header: header, payload: payload, prelude: preludeSize, table: table, limits: limits)
    keys = try list.decode(payload, tagSize: table == nil ? mixedTagSize : 0) {
      (bytes, base, table) throws(RecordError) in
      try TableKey(decoding: bytes, at: base, table: table)
    }
  }

  func encode(requestID: UInt32, flags: FrameFlags, into buffer: inout [UInt8]) {
    var size = 0
    var table = keys.first?.table
    for key in keys {
      size = max(size, key.wireSize)
      if key.table != table { table = nil }
    }
    let tagged = table == nil
    let header = FrameHeader(
      type: .delete, flags: flags, requestID: requestID, count: UInt32(keys.count),
      recordSize: UInt16(size + (tagged && !keys.isEmpty ? mixedTagSize : 0)))
    buffer.appendFrame(header) { buffer in
      buffer.append(uint64: UInt64(table?.rawValue ?? 0))
      for key in keys {
        if tagged { buffer.append(uint64: UInt64(key.table.rawValue)) }
        key.encode(into: &buffer, size: size)
      }
    }
  }
}
