import ControlProtocol
import Foundation
import Testing

/// A frame of Golden/*.hex, which Golden/make_golden.py lays out by hand.
struct GoldenFrame {
  let name: String
  let octets: [UInt8]

  init(_ name: String) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name).hex")
    let text = try String(contentsOf: file, encoding: .utf8)
    self.name = name
    octets = try text.split(whereSeparator: \.isWhitespace).map { try #require(UInt8($0, radix: 16)) }
  }

  /// Of all versions.
  static let requests = firstRequests + sessionRequests
  static let replies = firstReplies + sessionReplies

  /// Of minor version 1.
  static let sessionRequests = [
    "hello-request-owner", "ping-request", "ping-empty", "barrier-request", "txn-begin", "txn-begin-bindings",
    "txn-commit", "txn-abort", "sync-begin", "sync-end", "subscribe-request", "subscribe-end", "stats-request",
  ]
  static let sessionReplies = [
    "hello-reply-stale", "hello-reply-busy", "ping-reply", "ping-empty-reply", "barrier-reply", "txn-begin-reply",
    "txn-begin-open", "txn-commit-reply", "txn-commit-conflict", "txn-commit-full", "txn-abort-reply",
    "sync-begin-reply", "sync-end-reply", "sync-end-conflict", "subscribe-reply", "event-changed-set",
    "event-changed-delete", "event-expired", "event-route-expired", "event-path-mtu", "event-overflow", "event-bulk",
    "stats-reply",
  ]

  private static let firstRequests = [
    "hello-request", "upsert-lma", "upsert-mag", "upsert-mag-short", "upsert-tunnels", "upsert-routes",
    "upsert-visitor", "upsert-mixed", "delete-expect", "delete-mixed", "lookup-address", "lookup-prefix",
    "lookup-tunnel", "lookup-route", "dump-request", "status-request", "counters-request", "upsert-peers",
    "delete-peer", "delete-remote",
  ]
  private static let firstReplies = [
    "hello-reply", "outcome-ok", "outcome-stale", "failure-unsupported", "lookup-reply", "dump-slice", "dump-end",
    "status-reply", "counters-reply", "dump-peers",
  ]
}

/// Decoding of whole frames held in arrays.
enum Decode {
  static func header(_ octets: [UInt8], limits: Limits = .standard) throws(DecodeError) -> FrameHeader {
    // Safe: UInt8 has no padding, and the span is not kept.
    try FrameHeader(decoding: unsafe octets.span.bytes, limits: limits)
  }

  static func request(_ octets: [UInt8], limits: Limits = .standard) throws(DecodeError) -> Request {
    let header = try header(octets, limits: limits)
    let payload = Array(octets.dropFirst(FrameHeader.size))
    // Safe: as above.
    return try Request(header: header, payload: unsafe payload.span.bytes, limits: limits)
  }

  static func reply(_ octets: [UInt8], limits: Limits = .standard) throws(DecodeError) -> Reply {
    let header = try header(octets, limits: limits)
    let payload = Array(octets.dropFirst(FrameHeader.size))
    // Safe: as above.
    return try Reply(header: header, payload: unsafe payload.span.bytes, limits: limits)
  }
}

extension [UInt8] {
  /// This frame with its payload cut or extended, and the header's length made to agree.
  func withPayload(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
    var payload = Array(dropFirst(FrameHeader.size))
    change(&payload)
    var frame = Array(prefix(FrameHeader.size))
    for index in 0..<4 { frame[index] = UInt8(truncatingIfNeeded: payload.count >> (8 * index)) }
    return frame + payload
  }

  mutating func set(uint32 value: UInt32, at offset: Int) {
    for index in 0..<4 { self[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index)) }
  }

  mutating func set(uint16 value: UInt16, at offset: Int) {
    self[offset] = UInt8(truncatingIfNeeded: value)
    self[offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
  }
}
