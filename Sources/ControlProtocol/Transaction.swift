// TXN_BEGIN: 0–1 table (0 all), 2–7 reserved; flag REPLACE in the header. TXN_ABORT: empty.
// TXN_COMMIT: 0–7 count of records, 8–11 CRC-32 of all record octets in the order sent, 12–15 reserved.

/// TXN_COMMIT: what the client has sent since TXN_BEGIN, so that nothing lost on the way becomes the table's content.
public struct TransactionCommit: Hashable, Sendable {
  /// Records of all UPSERT frames.
  public var count: UInt64
  /// CRC-32 over `count` × record size octets of each frame, one after the other.
  public var checksum: UInt32

  public init(count: UInt64, checksum: UInt32) {
    self.count = count
    self.checksum = checksum
  }
}

extension TransactionCommit {
  init(payload: RawSpan) throws(DecodeError) {
    try payload.requireSize(16, "TXN_COMMIT")
    guard payload.isZero(12..<16) else { throw .reservedNotZero(field: "reserved") }
    count = payload.uint64(at: 0)
    checksum = payload.uint32(at: 8)
  }

  func encode(into buffer: inout [UInt8]) {
    buffer.append(uint64: count)
    buffer.append(uint32: checksum)
    buffer.append(uint32: 0)
  }
}

/// Which tables a transaction or a synchronisation is about.
public struct TableScope: Hashable, Sendable {
  /// Nil: all.
  public var table: TableNumber?

  public init(_ table: TableNumber? = nil) { self.table = table }

  public func contains(_ other: TableNumber) -> Bool { table == nil || table == other }
}

extension TableScope {
  init(payload: RawSpan, what: String) throws(DecodeError) {
    try payload.requireSize(8, what)
    guard payload.isZero(2..<8) else { throw .reservedNotZero(field: "reserved") }
    let number = payload.uint16(at: 0)
    table = TableNumber(rawValue: number)
    guard table != nil || number == 0 else { throw .unknownValue(field: "table", value: UInt64(number)) }
  }

  func encode(into buffer: inout [UInt8]) { buffer.append(uint64: UInt64(table?.rawValue ?? 0)) }
}

extension UpsertRequest {
  /// Octets of the payload before its records.
  public static let preludeOctets = preludeSize

  /// The record octets of an UPSERT frame's payload, which TXN_COMMIT's checksum is about; nothing when it has none.
  public static func recordOctets(_ payload: RawSpan) -> Range<Int> {
    min(preludeSize, payload.byteCount)..<payload.byteCount
  }
}
