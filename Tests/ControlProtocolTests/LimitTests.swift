import ControlProtocol
import Testing

@Suite("Lengths, counts and sizes at their limits")
struct LimitTests {
  private let limits = Limits(payloadOctets: 200, recordsPerFrame: 2)

  @Test("A payload of the limit is taken, one octet more is refused before anything is read")
  func payload() throws {
    var frame: [UInt8] = []
    FrameHeader(payloadLength: 200, type: .status, requestID: 1).encode(into: &frame)
    #expect(try Decode.header(frame, limits: limits).payloadLength == 200)
    for length in [201, UInt32.max] {
      frame.set(uint32: length, at: 0)
      #expect(throws: DecodeError.payloadTooLarge(octets: Int(length), limit: 200)) {
        try Decode.header(frame, limits: limits)
      }
    }
  }

  @Test("A record count above the limit is refused")
  func count() throws {
    var frame = try GoldenFrame("upsert-lma").octets
    #expect(try Decode.request(frame, limits: limits).type == .upsert)
    for count in [3, UInt32.max] {
      frame.set(uint32: count, at: 16)
      #expect(throws: DecodeError.tooManyRecords(count: Int(count), limit: 2)) {
        try Decode.request(frame, limits: limits)
      }
    }
  }

  @Test("A record size of zero, or above what any record may have, is refused", arguments: [0, 1025, UInt16.max])
  func recordSize(size: UInt16) throws {
    var frame = try GoldenFrame("upsert-lma").octets
    frame.set(uint16: size, at: 20)
    #expect(throws: DecodeError.recordSize(Int(size))) { try Decode.request(frame) }
  }

  @Test("A record size that does not divide the payload is refused", arguments: [1, 63, 65, 1024] as [UInt16])
  func oddRecordSize(size: UInt16) throws {
    var frame = try GoldenFrame("upsert-lma").octets
    frame.set(uint16: size, at: 20)
    #expect(throws: DecodeError.self) { try Decode.request(frame) }
  }

  @Test("An empty batch is a message")
  func empty() throws {
    var frame: [UInt8] = []
    Request.upsert(UpsertRequest(records: [])).encode(requestID: 1, into: &frame)
    #expect(try Decode.request(frame) == .upsert(UpsertRequest(records: [])))
  }

  @Test("A counter list that claims more items than its payload could hold is refused")
  func items() throws {
    for (name, count) in [("counters-reply", UInt32(5)), ("status-reply", 12)] {
      var frame = try GoldenFrame(name).octets
      frame.set(uint32: count, at: 16)
      #expect(throws: DecodeError.self) { try Decode.reply(frame) }
    }
  }

  @Test("Unknown types, flags and tables are refused by name")
  func unknown() throws {
    let golden = try GoldenFrame("upsert-lma").octets
    var frame = golden
    frame.set(uint16: 99, at: 4)
    #expect(throws: DecodeError.unsupportedType(99)) { try Decode.request(frame) }
    frame = golden
    frame.set(uint16: 1 << 3, at: 6)
    #expect(throws: DecodeError.unknownValue(field: "header.flags", value: 8)) { try Decode.request(frame) }
    frame = golden
    frame.set(uint16: 9, at: 24)
    #expect(throws: DecodeError.unknownValue(field: "table", value: 9)) { try Decode.request(frame) }
    frame = golden
    frame.set(uint16: 1, at: 22)
    #expect(throws: DecodeError.reservedNotZero(field: "header.reserved")) { try Decode.request(frame) }
  }

  @Test("A flag of no version known is unsupported, one in the wrong place malformed", arguments: 0..<16)
  func flag(bit: Int) throws {
    var frame = try GoldenFrame("ping-request").octets
    frame.set(uint16: 1 << UInt16(bit), at: 6)
    let error = #expect(throws: DecodeError.self) { try Decode.request(frame) }
    #expect(error?.status == ([0, 1, 2, 3, 15].contains(bit) ? .malformed : .unsupported))
  }

  @Test("A status of a newer daemon is still a failure")
  func newerStatus() throws {
    var frame = try GoldenFrame("outcome-stale").octets
    frame.set(uint32: 4711, at: 12)
    guard case .failure(.internalFailure, let outcome) = try Decode.reply(frame) else {
      Issue.record("not a failure")
      return
    }
    #expect(outcome.firstFailure?.field == "expect")
  }
}
