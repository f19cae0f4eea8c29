/// One line of a STATUS reply. Keys are dotted paths, e.g. `port.core.queue.0.mode`; their order is the server's.
public struct StatusItem: Hashable, Sendable {
  public var key: String
  public var value: String

  public init(key: String, value: String) {
    self.key = key
    self.value = value
  }
}

// Reply: count items: key length u16, value length u16, key, value.

extension StatusItem {
  /// - Parameter start: octets of the payload before the items.
  static func decode(
    header: FrameHeader, payload: RawSpan, from start: Int = 0, limits: Limits
  ) throws(DecodeError) -> [StatusItem] {
    let count = try header.itemCount(payload, smallest: 4, limits: limits)
    var items: [StatusItem] = []
    var offset = start
    for _ in 0..<count {
      guard payload.byteCount - offset >= 4 else {
        throw .truncated(what: "status item", need: offset + 4, have: payload.byteCount)
      }
      let keyEnd = offset + 4 + Int(payload.uint16(at: offset))
      let end = keyEnd + Int(payload.uint16(at: offset + 2))
      guard payload.byteCount >= end else {
        throw .truncated(what: "status item", need: end, have: payload.byteCount)
      }
      guard let key = payload.text(offset + 4..<keyEnd), let value = payload.text(keyEnd..<end) else {
        throw .text(field: "status item")
      }
      items.append(StatusItem(key: key, value: value))
      offset = end
    }
    guard offset == payload.byteCount else {
      throw .trailingOctets(what: "the last status item", count: payload.byteCount - offset)
    }
    return items
  }

  func encode(into buffer: inout [UInt8]) {
    let key = key.utf8.prefix(Int(UInt16.max))
    let value = value.utf8.prefix(Int(UInt16.max))
    buffer.append(uint16: UInt16(key.count))
    buffer.append(uint16: UInt16(value.count))
    buffer.append(contentsOf: key)
    buffer.append(contentsOf: value)
  }
}

extension FrameHeader {
  /// The number of variable-size items, checked against what the payload could hold before anything is reserved.
  func itemCount(_ payload: RawSpan, smallest: Int, limits: Limits) throws(DecodeError) -> Int {
    guard recordSize == 0 else { throw .recordSize(Int(recordSize)) }
    guard count <= limits.recordsPerFrame else {
      throw .tooManyRecords(count: Int(count), limit: limits.recordsPerFrame)
    }
    guard Int(count) * smallest <= payload.byteCount else {
      throw .truncated(what: "payload", need: Int(count) * smallest, have: payload.byteCount)
    }
    return Int(count)
  }
}
