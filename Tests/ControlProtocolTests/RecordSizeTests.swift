import ControlProtocol
import Testing

@Suite("Shorter and longer records")
struct RecordSizeTests {
  /// The golden MAG record (192 octets) sent with another record size.
  private func resized(_ size: Int, last: UInt8 = 0) throws -> [UInt8] {
    var frame = try GoldenFrame("upsert-mag").octets.withPayload { payload in
      if size < 192 {
        payload.removeLast(192 - size)
      } else {
        payload += Array(repeating: 0, count: size - 192)
      }
      if last != 0 { payload[payload.count - 1] = last }
    }
    frame.set(uint16: UInt16(size), at: 20)
    return frame
  }

  @Test("What a shorter record leaves out is zero", arguments: 1..<192)
  func shorter(size: Int) throws {
    // The golden record's own octets, zero-extended by hand, decide what is expected.
    let full = try GoldenFrame("upsert-mag").octets.withPayload { payload in
      payload.replaceSubrange(8 + size..<200, with: Array(repeating: 0, count: 192 - size))
    }
    #expect(Result { try Decode.request(try resized(size)) } == Result { try Decode.request(full) })
  }

  @Test("A longer record is accepted when what follows is zero", arguments: [193, 200, 256, 1024])
  func longerWithZeros(size: Int) throws {
    let expected = try Decode.request(try GoldenFrame("upsert-mag").octets)
    #expect(try Decode.request(try resized(size)) == expected)
  }

  @Test("A longer record is refused when something follows", arguments: [193, 200, 256, 1024])
  func longerWithMore(size: Int) throws {
    #expect(throws: DecodeError.record(.init(index: 0, field: "record", rule: "must be zero"))) {
      try Decode.request(try resized(size, last: 1))
    }
  }

  @Test("A mixed record needs its tag and knows its table")
  func mixed() throws {
    let golden = try GoldenFrame("upsert-mixed").octets
    var frame = golden
    frame.set(uint16: 6, at: 32)
    #expect(throws: DecodeError.record(.init(index: 0, field: "table", rule: "unknown table 6"))) {
      try Decode.request(frame)
    }
    frame = golden
    frame[34] = 1
    #expect(throws: DecodeError.record(.init(index: 0, field: "reserved", rule: "must be zero"))) {
      try Decode.request(frame)
    }
    frame = Array(golden[..<32]).withPayload { $0 += Array(repeating: 0, count: 8) }
    frame.set(uint32: 1, at: 16)
    frame.set(uint16: 8, at: 20)
    #expect(throws: DecodeError.self) { try Decode.request(frame) }
  }
}

extension Result where Failure == any Error, Success == Request {
  static func == (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.success(let one), .success(let other)): one == other
    case (.failure(let one as DecodeError), .failure(let other as DecodeError)): one == other
    default: false
    }
  }
}
