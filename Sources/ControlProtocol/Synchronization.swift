// SYNC_BEGIN: 0–1 table (0 all), 2–7 reserved. SYNC_END: 0–7 count.

/// SYNC_END: how many different entries the client has said since SYNC_BEGIN; only if the daemon counts as many is the rest
/// swept.
public struct SyncEndRequest: Hashable, Sendable {
  public var count: UInt64

  public init(count: UInt64) { self.count = count }
}

extension SyncEndRequest {
  init(payload: RawSpan) throws(DecodeError) {
    try payload.requireSize(8, "SYNC_END")
    count = payload.uint64(at: 0)
  }

  func encode(into buffer: inout [UInt8]) { buffer.append(uint64: count) }
}

/// PING: up to eight octets that come back, so that a client can tell its pings apart.
public struct PingPayload: Hashable, Sendable {
  public static let largest = 8

  public let octets: [UInt8]

  /// Nil for more than eight octets.
  public init?(_ octets: [UInt8] = []) {
    guard octets.count <= Self.largest else { return nil }
    self.octets = octets
  }

  init(payload: RawSpan) throws(DecodeError) {
    guard payload.byteCount <= Self.largest else {
      throw .trailingOctets(what: "PING", count: payload.byteCount - Self.largest)
    }
    var octets: [UInt8] = []
    octets.append(octets: payload, 0..<payload.byteCount)
    self.octets = octets
  }

  func encode(into buffer: inout [UInt8]) { buffer.append(contentsOf: octets) }
}

extension RawSpan {
  /// For payloads of one size only.
  func requireSize(_ size: Int, _ what: String) throws(DecodeError) {
    guard byteCount >= size else { throw .truncated(what: what, need: size, have: byteCount) }
    guard byteCount == size else { throw .trailingOctets(what: what, count: byteCount - size) }
  }
}
