/// COUNTERS: the flat list of CONTRACT's names.
public struct CountersRequest: Hashable, Sendable {
  /// Zero values too.
  public var all: Bool
  public init(all: Bool) { self.all = all }
}

/// One counter of a COUNTERS reply.
public struct CounterItem: Hashable, Sendable {
  public var name: String
  public var value: UInt64

  public init(name: String, value: UInt64) {
    self.name = name
    self.value = value
  }
}

// Request, octets: 0 all (0 or 1), 1–3 reserved.
// Reply: count items: value u64, name length u16, name.

extension CountersRequest {
  init(payload: RawSpan) throws(DecodeError) {
    guard payload.byteCount >= 4 else { throw .truncated(what: "COUNTERS", need: 4, have: payload.byteCount) }
    guard payload.byteCount == 4 else { throw .trailingOctets(what: "COUNTERS", count: payload.byteCount - 4) }
    guard payload.isZero(1..<4) else { throw .reservedNotZero(field: "reserved") }
    guard payload.uint8(at: 0) <= 1 else {
      throw .unknownValue(field: "all", value: UInt64(payload.uint8(at: 0)))
    }
    all = payload.uint8(at: 0) == 1
  }

  func encode(into buffer: inout [UInt8]) {
    buffer.append(uint32: all ? 1 : 0)
  }
}

extension CounterItem {
  static func decode(header: FrameHeader, payload: RawSpan, limits: Limits) throws(DecodeError) -> [CounterItem] {
    let count = try header.itemCount(payload, smallest: 10, limits: limits)
    var items: [CounterItem] = []
    items.reserveCapacity(count)
    var offset = 0
    for _ in 0..<count {
      guard payload.byteCount - offset >= 10 else {
        throw .truncated(what: "counter", need: offset + 10, have: payload.byteCount)
      }
      let end = offset + 10 + Int(payload.uint16(at: offset + 8))
      guard payload.byteCount >= end else { throw .truncated(what: "counter", need: end, have: payload.byteCount) }
      guard let name = payload.text(offset + 10..<end) else { throw .text(field: "counter name") }
      items.append(CounterItem(name: name, value: payload.uint64(at: offset)))
      offset = end
    }
    guard offset == payload.byteCount else {
      throw .trailingOctets(what: "the last counter", count: payload.byteCount - offset)
    }
    return items
  }

  func encode(into buffer: inout [UInt8]) {
    let name = name.utf8.prefix(Int(UInt16.max))
    buffer.append(uint64: value)
    buffer.append(uint16: UInt16(name.count))
    buffer.append(contentsOf: name)
  }
}
