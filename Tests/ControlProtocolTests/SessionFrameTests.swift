import ControlProtocol
import Testing

@Suite("Frames of minor version 1")
struct SessionFrameTests {
  @Test("A ping carries eight octets and not nine")
  func pings() throws {
    let frame = try GoldenFrame("ping-request").octets
    for size in 0...8 {
      let octets = [UInt8](repeating: 0xa5, count: size)
      #expect(try Decode.request(frame.withPayload { $0 = octets }) == .ping(try #require(PingPayload(octets))))
    }
    #expect(PingPayload([UInt8](repeating: 0, count: 9)) == nil)
    #expect(throws: DecodeError.trailingOctets(what: "PING", count: 1)) {
      try Decode.request(frame.withPayload { $0 = [UInt8](repeating: 0, count: 9) })
    }
  }

  @Test("Reserved octets, unknown tables and unknown event kinds are refused by name")
  func reserved() throws {
    for (name, offset) in [
      ("txn-begin", 2), ("txn-begin", 7), ("txn-commit", 12), ("txn-commit", 15), ("sync-begin", 2), ("sync-begin", 7),
    ] {
      var frame = try GoldenFrame(name).octets
      frame[FrameHeader.size + offset] = 1
      #expect(throws: DecodeError.reservedNotZero(field: "reserved"), "\(name)") { try Decode.request(frame) }
    }
    for name in ["txn-begin", "sync-begin"] {
      var frame = try GoldenFrame(name).octets
      frame.set(uint16: 6, at: FrameHeader.size)
      #expect(throws: DecodeError.unknownValue(field: "table", value: 6), "\(name)") { try Decode.request(frame) }
    }
    var frame = try GoldenFrame("subscribe-request").octets
    for bit in 13..<64 {
      let mask = UInt64(1) << UInt64(bit)
      frame.set(uint32: UInt32(truncatingIfNeeded: mask), at: FrameHeader.size)
      frame.set(uint32: UInt32(mask >> 32), at: FrameHeader.size + 4)
      #expect(throws: DecodeError.unknownValue(field: "mask", value: mask)) { try Decode.request(frame) }
    }
    frame.set(uint32: 0x1fff, at: FrameHeader.size)
    frame.set(uint32: 0, at: FrameHeader.size + 4)
    #expect(try Decode.request(frame) == .subscribe(.all))
  }

  @Test("Flags, status, counts and record sizes of other requests are refused", arguments: GoldenFrame.sessionRequests)
  func headers(name: String) throws {
    let golden = try GoldenFrame(name).octets
    let isBegin = name.hasPrefix("txn-begin")
    for bit in 0..<16 where !(isBegin && bit == 3) {
      var frame = golden
      frame.set(uint16: 1 << bit, at: 6)
      let isKnown = [0, 1, 2, 3, 15].contains(bit)
      let error: DecodeError =
        isKnown ? .unknownValue(field: "header.flags", value: 1 << UInt64(bit)) : .unsupportedFlags(1 << UInt16(bit))
      #expect(throws: error) { try Decode.request(frame) }
    }
    for offset in [12, 15, 16, 19, 20, 21] {
      var frame = golden
      frame[offset] = 1
      #expect(throws: DecodeError.self, "header octet \(offset)") { try Decode.request(frame) }
    }
  }

  @Test("An event that counts its items in two ways, or more than there are, is refused")
  func eventCount() throws {
    let event = try GoldenFrame("event-path-mtu").octets
    for count in [0, 3, 5, 65_536, UInt32.max] {
      var frame = event
      frame.set(uint32: count, at: FrameHeader.size + 20)
      #expect(throws: DecodeError.self, "\(count)") { try Decode.reply(frame) }
      frame.set(uint32: count, at: 16)
      #expect(throws: DecodeError.self, "\(count) in both") { try Decode.reply(frame) }
    }
  }

  @Test("A reader takes events of kinds that it does not know, and a client never sends one")
  func eventKinds() throws {
    var event = try GoldenFrame("event-bulk").octets
    event.set(uint16: 4711, at: FrameHeader.size + 16)
    guard case .event(let report) = try Decode.reply(event) else {
      Issue.record("not an event")
      return
    }
    #expect(report.kind == 4711)
    event.set(uint16: 0, at: 6)
    event.set(uint32: 0, at: 16)
    #expect(throws: DecodeError.unsupportedType(16)) { try Decode.request(event) }
  }

  @Test("CRC-32 is the one of IEEE 802.3, whatever the pieces")
  func checksum() {
    // The check value of the CRC catalogue, and zlib.crc32 of Python.
    let known: [(String, UInt32)] = [
      ("123456789", 0xcbf4_3926), ("", 0), ("a", 0xe8b7_be43),
      ("The quick brown fox jumps over the lazy dog", 0x414f_a339),
    ]
    for (text, expected) in known {
      for cut in 0...text.utf8.count {
        var whole = CRC32()
        whole.add(Array(text.utf8.prefix(cut)))
        var rest = CRC32()
        rest.add(Array(text.utf8.dropFirst(cut)))
        var pieces = whole
        whole.add(Array(text.utf8.dropFirst(cut)))
        #expect(whole.value == expected, "\(text) cut at \(cut)")
        pieces.add(rest, octets: text.utf8.count - cut)
        #expect(pieces.value == expected, "\(text) joined at \(cut)")
      }
    }
  }

  @Test("A transaction's checksum is that of its record octets")
  func transactionChecksum() throws {
    let frame = try GoldenFrame("upsert-lma").octets
    let payload = Array(frame.dropFirst(FrameHeader.size))
    // Safe: UInt8 has no padding, and the span is not kept.
    let records = UpsertRequest.recordOctets(unsafe payload.span.bytes)
    var checksum = CRC32()
    checksum.add(Array(payload[records]))
    #expect(
      try Decode.request(try GoldenFrame("txn-commit").octets)
        == .transactionCommit(
          TransactionCommit(count: 2, checksum: checksum.value)))
  }
}
