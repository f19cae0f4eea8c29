/// What happens in the daemon that a client may want to hear of. The number is the bit in SUBSCRIBE's mask.
public enum EventKind: UInt16, Sendable, CaseIterable {
  /// Events were lost because the subscriber read too slowly: it dumps again.
  case overflow = 0
  /// Another owner set or removed an entry.
  case changed = 1
  /// An entry's lifetime, or the delay before its removal, ended.
  case expired = 2
  /// Traffic for an anchored prefix without a binding.
  case unbound = 3
  /// Traffic from a station that no binding knows, at a MAG.
  case unknownSource = 4
  case pathMTU = 5
  case neighborLost = 6
  /// A port, its link, a queue or a mode changed.
  case port = 7
  /// A packet for a mobile node in handover found no room.
  case bufferOverflow = 8
  case tableNearlyFull = 9
  /// A tunnel's remote failed, or is alive again.
  case peer = 10
  /// Nothing is held for a mobile node any more: its handover is over.
  case flushed = 11
  /// Many entries changed at once.
  case bulk = 12
}

/// SUBSCRIBE's mask: the kinds a client wants to hear of; none ends the subscription.
public struct EventMask: OptionSet, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public init(_ kind: EventKind) { rawValue = 1 << UInt64(kind.rawValue) }

  public static let all = EventMask(EventKind.allCases.map { EventMask($0) })
}

/// EVENT: one thing that happened, in words.
public struct EventReport: Hashable, Sendable {
  /// Of the subscription, from 1; one more for each event that was sent or lost.
  public var sequence: UInt64
  /// Nanoseconds of the daemon's monotonic clock.
  public var time: UInt64
  /// The raw number: a newer daemon may know kinds that this reader does not.
  public var kind: UInt16
  /// Fields by their JSON names, `event` with the event's name first.
  public var items: [StatusItem]

  public init(sequence: UInt64, time: UInt64, kind: UInt16, items: [StatusItem]) {
    self.sequence = sequence
    self.time = time
    self.kind = kind
    self.items = items
  }
}

// SUBSCRIBE: 0–7 mask. EVENT: 0–7 sequence, 8–15 time, 16–17 kind, 18–19 reserved, 20–23 count of items, then the items as
// in STATUS.

extension EventMask {
  init(payload: RawSpan) throws(DecodeError) {
    try payload.requireSize(8, "SUBSCRIBE")
    rawValue = payload.uint64(at: 0)
    guard isSubset(of: .all) else { throw .unknownValue(field: "mask", value: rawValue) }
  }

  func encode(into buffer: inout [UInt8]) { buffer.append(uint64: rawValue) }
}

extension EventReport {
  private static let preludeSize = 24

  init(header: FrameHeader, payload: RawSpan, limits: Limits) throws(DecodeError) {
    let prelude = Self.preludeSize
    guard payload.byteCount >= prelude else {
      throw .truncated(what: "EVENT", need: prelude, have: payload.byteCount)
    }
    guard payload.isZero(18..<20) else { throw .reservedNotZero(field: "reserved") }
    guard payload.uint32(at: 20) == header.count else {
      throw .unknownValue(field: "event.count", value: UInt64(payload.uint32(at: 20)))
    }
    sequence = payload.uint64(at: 0)
    time = payload.uint64(at: 8)
    kind = payload.uint16(at: 16)
    items = try StatusItem.decode(header: header, payload: payload, from: prelude, limits: limits)
  }

  func encode(header: FrameHeader, into buffer: inout [UInt8]) {
    var header = header
    header.count = UInt32(items.count)
    buffer.appendFrame(header) { buffer in
      buffer.append(uint64: sequence)
      buffer.append(uint64: time)
      buffer.append(uint16: kind)
      buffer.append(uint16: 0)
      buffer.append(uint32: UInt32(items.count))
      for item in items { item.encode(into: &buffer) }
    }
  }
}

/// A whole EVENT frame, encoded once for all who hear of it.
public struct EventFrame: Sendable {
  private let octets: [UInt8]
  /// Nanoseconds, as in the report.
  public let time: UInt64

  public init(_ kind: EventKind, time: UInt64, items: [StatusItem]) {
    self.time = time
    var octets: [UInt8] = []
    let report = EventReport(sequence: 0, time: time, kind: kind.rawValue, items: items)
    Reply.event(report).encode(type: MessageType.event.rawValue, requestID: 0, into: &octets)
    self.octets = octets
  }

  /// Appends the frame as one subscription has it.
  /// - Parameter requestID: of the SUBSCRIBE.
  public func append(requestID: UInt32, sequence: UInt64, to buffer: inout [UInt8]) {
    let start = buffer.count
    buffer.append(contentsOf: octets)
    buffer.replace(uint32: requestID, at: start + FrameHeader.requestIDOffset)
    buffer.replace(uint32: UInt32(truncatingIfNeeded: sequence), at: start + FrameHeader.size)
    buffer.replace(uint32: UInt32(truncatingIfNeeded: sequence >> 32), at: start + FrameHeader.size + 4)
  }
}
