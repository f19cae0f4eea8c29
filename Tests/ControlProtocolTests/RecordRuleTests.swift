import ControlProtocol
import Testing

/// The record of a golden frame, changed at one offset, with the field that must be named.
struct RecordCase: CustomTestStringConvertible {
  let frame: String
  /// Offset in the frame's first record.
  let offset: Int
  let octets: [UInt8]
  let field: String
  var testDescription: String { "\(frame) at \(offset): \(field)" }
}

@Suite("Rules of records")
struct RecordRuleTests {
  private static let recordStart = FrameHeader.size + 8

  static let cases: [RecordCase] = [
    .init(frame: "upsert-mag", offset: 0, octets: [2], field: "table"),
    .init(frame: "upsert-mag", offset: 1, octets: [5], field: "prefix"),
    .init(frame: "upsert-mag", offset: 2, octets: [129], field: "prefix"),
    .init(frame: "upsert-mag", offset: 2, octets: [127], field: "prefix"),
    .init(frame: "upsert-mag", offset: 3, octets: [7], field: "state"),
    .init(frame: "upsert-mag", offset: 4, octets: [0xbf], field: "flags"),
    .init(frame: "upsert-mag", offset: 7, octets: [0x80], field: "flags"),
    .init(frame: "upsert-mag", offset: 5, octets: [2], field: "flags"),
    .init(frame: "upsert-mag", offset: 4, octets: [0x3e], field: "localRouting"),
    .init(frame: "upsert-mag", offset: 4, octets: [0x3b], field: "access"),
    .init(frame: "upsert-mag", offset: 4, octets: [0x37], field: "greKey.up"),
    .init(frame: "upsert-mag", offset: 4, octets: [0x2f], field: "greKey.down"),
    .init(frame: "upsert-mag", offset: 4, octets: [0x1f], field: "peer"),
    .init(frame: "upsert-mag", offset: 4, octets: [0x7f], field: "tunnel.local"),
    .init(frame: "upsert-mag", offset: 12, octets: [1], field: "reserved"),
    .init(frame: "upsert-mag", offset: 32, octets: Array(repeating: 0, count: 16), field: "tunnel.local"),
    .init(frame: "upsert-mag", offset: 48, octets: Array(repeating: 0, count: 16), field: "tunnel.remote"),
    .init(frame: "upsert-mag", offset: 64, octets: [0], field: "access.port"),
    .init(frame: "upsert-mag", offset: 64, octets: Array(repeating: 0x61, count: 16), field: "access.port"),
    .init(frame: "upsert-mag", offset: 66, octets: [0xff], field: "access.port"),
    .init(frame: "upsert-mag", offset: 66, octets: [0], field: "access.port"),
    .init(frame: "upsert-mag", offset: 80, octets: [1], field: "access.mac"),
    .init(frame: "upsert-mag", offset: 80, octets: [0, 0, 0, 0, 0, 0], field: "access.mac"),
    .init(frame: "upsert-mag", offset: 86, octets: [0xff, 0x0f], field: "access.vlan"),
    .init(frame: "upsert-mag", offset: 96, octets: Array(repeating: 0, count: 16), field: "peer.local"),
    .init(frame: "upsert-mag", offset: 191, octets: [0x61], field: "mn"),
    .init(frame: "upsert-mag", offset: 128, octets: [0xc3, 0x28], field: "mn"),
    .init(frame: "upsert-lma", offset: 2, octets: [65], field: "ok"),
    .init(frame: "upsert-lma", offset: 2, octets: [63], field: "prefix"),
    .init(frame: "upsert-tunnels", offset: 0, octets: [0], field: "tunnel"),
    .init(frame: "upsert-tunnels", offset: 1, octets: [0], field: "hopLimit"),
    .init(frame: "upsert-tunnels", offset: 2, octets: [64], field: "dscp"),
    .init(frame: "upsert-tunnels", offset: 3, octets: [4], field: "ecn"),
    .init(frame: "upsert-tunnels", offset: 5, octets: [1], field: "flags"),
    .init(frame: "upsert-tunnels", offset: 4, octets: [0xaf], field: "dscp"),
    .init(frame: "upsert-tunnels", offset: 4, octets: [0x2d], field: "hopLimit"),
    .init(frame: "upsert-tunnels", offset: 4, octets: [0x2b], field: "mtu"),
    .init(frame: "upsert-tunnels", offset: 4, octets: [0x27], field: "encapsulationLimit"),
    .init(frame: "upsert-tunnels", offset: 4, octets: [0x3f], field: "encapsulationLimit"),
    .init(frame: "upsert-tunnels", offset: 4, octets: [0x0f], field: "dscp"),
    .init(frame: "upsert-tunnels", offset: 4, octets: [0x6f], field: "dscp"),
    .init(frame: "upsert-tunnels", offset: 8, octets: [67, 0], field: "mtu"),
    .init(frame: "upsert-tunnels", offset: 8, octets: [68, 0], field: "ok"),
    .init(frame: "upsert-tunnels", offset: 11, octets: [1], field: "reserved"),
    .init(frame: "upsert-tunnels", offset: 63, octets: [1], field: "reserved"),
    .init(frame: "upsert-routes", offset: 0, octets: [7], field: "route.from"),
    .init(frame: "upsert-routes", offset: 3, octets: [33], field: "route.to"),
    .init(frame: "upsert-routes", offset: 4, octets: [9], field: "flags"),
    .init(frame: "upsert-routes", offset: 4, octets: [2], field: "via"),
    .init(frame: "upsert-routes", offset: 4, octets: [6], field: "via"),
    .init(frame: "upsert-routes", offset: 15, octets: [1], field: "reserved"),
    .init(frame: "upsert-visitor", offset: 0, octets: [0], field: "visitor"),
    .init(frame: "upsert-visitor", offset: 4, octets: [1], field: "reserved"),
    .init(frame: "upsert-visitor", offset: 32, octets: [0], field: "port"),
    .init(frame: "upsert-peers", offset: 0, octets: [5], field: "peer"),
    .init(frame: "upsert-peers", offset: 0, octets: [4], field: "peer"),
    .init(frame: "upsert-peers", offset: 1, octets: [0], field: "state"),
    .init(frame: "upsert-peers", offset: 1, octets: [2], field: "ok"),
    .init(frame: "upsert-peers", offset: 1, octets: [3], field: "state"),
    .init(frame: "upsert-peers", offset: 15, octets: [1], field: "reserved"),
    .init(frame: "upsert-peers", offset: 16, octets: Array(repeating: 0, count: 16), field: "peer"),
    .init(frame: "delete-peer", offset: 0, octets: [0], field: "peer"),
    .init(frame: "delete-peer", offset: 1, octets: [1], field: "ok"),
    .init(frame: "delete-expect", offset: 4, octets: [0xbf, 1], field: "ok"),
    .init(frame: "delete-expect", offset: 5, octets: [4], field: "flags"),
    .init(frame: "delete-expect", offset: 5, octets: [8], field: "flags"),
    .init(frame: "delete-expect", offset: 7, octets: [0x80], field: "flags"),
    .init(frame: "delete-mixed", offset: 12, octets: [0xff], field: "ok"),
    .init(frame: "delete-mixed", offset: 13, octets: [1], field: "flags"),
    .init(frame: "delete-remote", offset: 0, octets: [1], field: "table"),
    .init(frame: "delete-remote", offset: 0, octets: [2, 0, 0, 0, 0, 6], field: "table"),
    .init(frame: "delete-remote", offset: 0, octets: [1, 0, 0, 0, 0, 6], field: "ok"),
    .init(frame: "delete-remote", offset: 1, octets: [6], field: "prefix"),
    .init(frame: "delete-remote", offset: 2, octets: [64], field: "prefix"),
    .init(frame: "delete-remote", offset: 16, octets: [0x20], field: "prefix"),
    .init(frame: "delete-remote", offset: 4, octets: [0x80], field: "flags"),
    .init(frame: "delete-remote", offset: 4, octets: [0x40], field: "remote"),
    .init(frame: "delete-remote", offset: 48, octets: Array(repeating: 0, count: 16), field: "remote"),
  ]

  @Test("Each rule names its field; the boundary beside it passes", arguments: cases)
  func rule(of record: RecordCase) throws {
    var frame = try GoldenFrame(record.frame).octets
    let start = Self.recordStart + record.offset
    frame.replaceSubrange(start..<start + record.octets.count, with: record.octets)
    do {
      _ = try Decode.request(frame)
      #expect(record.field == "ok")
    } catch DecodeError.record(let error) {
      #expect(error.field == record.field)
      #expect(error.index == 0)
      #expect(!error.rule.isEmpty)
    }
  }

  @Test("The index is that of the first bad record")
  func index() throws {
    var frame = try GoldenFrame("upsert-lma").octets
    frame[Self.recordStart + 64 + 3] = 200
    #expect(throws: DecodeError.record(.init(index: 1, field: "state", rule: "unknown state 200"))) {
      try Decode.request(frame)
    }
  }

  @Test("IPv4 addresses have nothing after their four octets")
  func ipv4() throws {
    var frame = try GoldenFrame("upsert-lma").octets
    frame[Self.recordStart + 64 + 16 + 4] = 1
    #expect(
      throws: DecodeError.record(
        .init(index: 1, field: "prefix", rule: "the last 12 octets of an IPv4 address must be zero"))
    ) { try Decode.request(frame) }
  }
}
