import ControlProtocol
import Testing

@Suite("Truncated and overlong messages")
struct TruncationTests {
  @Test("Every truncation of every request is a typed error", arguments: GoldenFrame.requests)
  func requests(name: String) throws {
    let frame = try GoldenFrame(name).octets
    for length in 0..<frame.count {
      // The stream ended here: the header still promises the rest.
      #expect(throws: DecodeError.self) { try Decode.request(Array(frame[..<length])) }
      guard length >= FrameHeader.size else { continue }
      // The header agrees, so the payload's own structure must notice; any octets up to eight are a ping.
      let consistent = Array(frame[..<length]).withPayload { _ in }
      if name == "ping-request" { continue }
      #expect(throws: DecodeError.self, "\(length) of \(frame.count) octets") { try Decode.request(consistent) }
    }
  }

  @Test("Every truncation of every reply is a typed error", arguments: GoldenFrame.replies)
  func replies(name: String) throws {
    let frame = try GoldenFrame(name).octets
    for length in 0..<frame.count {
      #expect(throws: DecodeError.self) { try Decode.reply(Array(frame[..<length])) }
      guard length >= FrameHeader.size else { continue }
      let consistent = Array(frame[..<length]).withPayload { _ in }
      if name == "ping-reply" { continue }
      #expect(throws: DecodeError.self, "\(length) of \(frame.count) octets") { try Decode.reply(consistent) }
    }
  }

  @Test("A payload longer than its message is a typed error", arguments: GoldenFrame.requests + GoldenFrame.replies)
  func trailing(name: String) throws {
    let extra = name.hasPrefix("ping-empty") ? 9 : 1
    let frame = try GoldenFrame(name).octets.withPayload { $0 += [UInt8](repeating: 0, count: extra) }
    #expect(throws: DecodeError.self) { try Decode.request(frame) }
    #expect(throws: DecodeError.self) { try Decode.reply(frame) }
  }

  @Test("A request is not a reply, nor a reply a request")
  func direction() throws {
    for name in GoldenFrame.requests {
      #expect(throws: DecodeError.self) { try Decode.reply(try GoldenFrame(name).octets) }
    }
    for name in GoldenFrame.replies {
      #expect(throws: DecodeError.self) { try Decode.request(try GoldenFrame(name).octets) }
    }
  }

  @Test("Random octets never trap, whatever the header says")
  func randomOctets() {
    var random = RandomRecords(seed: TestSeed.value)
    let limits = Limits(payloadOctets: 1024, recordsPerFrame: 64)
    for _ in 0..<100_000 {
      let length = random.number(0...300)
      var payload = (0..<length).map { _ in random.chance() ? 0 : random.number(0...UInt8.max) }
      if length > 2, random.chance() { payload.replaceSubrange(0..<2, with: [random.number(0...6), 0]) }
      var frame: [UInt8] = []
      FrameHeader(
        payloadLength: UInt32(length), type: MessageType.allCases.randomElement(using: &random.generator)!,
        flags: FrameFlags(rawValue: random.chance() ? 0x8000 : random.number(0...7)), requestID: 1,
        count: random.number(0...6), recordSize: random.number(0...100)
      ).encode(into: &frame)
      frame += payload
      // Reaching the end of both calls is the assertion: a message or an error, no trap.
      _ = try? Decode.request(frame, limits: limits)
      _ = try? Decode.reply(frame, limits: limits)
    }
  }

  @Test("Golden frames with random octets changed never trap")
  func mutatedGolden() throws {
    var random = RandomRecords(seed: TestSeed.value)
    let frames = try (GoldenFrame.requests + GoldenFrame.replies).map { try GoldenFrame($0).octets }
    for _ in 0..<100_000 {
      var frame = frames.randomElement(using: &random.generator)!
      for _ in 0..<random.number(1...4) {
        frame[frame.indices.randomElement(using: &random.generator)!] = random.number(0...UInt8.max)
      }
      _ = try? Decode.request(frame)
      _ = try? Decode.reply(frame)
    }
  }
}
