import ControlProtocol
import Testing

@Suite("Digests of tables")
struct DigestTests {
  private static func digest(_ checksums: [UInt32]) -> UInt64 {
    var digest = TableDigest()
    for checksum in checksums { digest.add(checksum) }
    return digest.value
  }

  private static func records(_ name: String) throws -> UpsertRequest {
    guard case .upsert(let request) = try Decode.request(GoldenFrame(name).octets) else {
      throw DecodeError.unsupportedType(0)
    }
    return request
  }

  /// By table, from the golden HELLO, whose digests zlib made.
  private static func golden() throws -> [UInt16: UInt64] {
    guard case .hello(let reply) = try Decode.reply(GoldenFrame("hello-reply-stale").octets) else { return [:] }
    return Dictionary(uniqueKeysWithValues: reply.tables.map { ($0.number, $0.digest) })
  }

  @Test("Those of the golden HELLO come out of the records of the golden UPSERTs, in either form of a binding")
  func goldenDigests() throws {
    let expected = try Self.golden()
    let bindings = try Self.records("upsert-lma")
    #expect(Self.digest(bindings.records.map(\.checksum)) == expected[1])
    #expect(Self.digest(bindings.records.reversed().map(\.checksum)) == expected[1])
    guard case .plain(let plain) = bindings.content else {
      Issue.record("two LMA bindings without anything rare are plain")
      return
    }
    #expect(Self.digest(plain.map(\.checksum)) == expected[1])
    #expect(try Self.records("upsert-tunnels").records.contains { Self.digest([$0.checksum]) == expected[2] })
    #expect(try Self.records("upsert-peers").records.contains { Self.digest([$0.checksum]) == expected[5] })
    #expect(expected[3] == 0 && expected[4] == 0)
  }

  @Test("What is added and taken out again leaves no trace")
  func removal() {
    var digest = TableDigest()
    for checksum in [1, 7, UInt32.max] { digest.add(checksum) }
    for checksum in [7, 1, UInt32.max] { digest.remove(checksum) }
    #expect(digest == TableDigest())
  }

  @Test("The plain form of a random binding says what the record says")
  func plainForm() throws {
    var random = SeededGenerator(seed: TestSeed.value)
    var met = 0
    for _ in 0..<2000 {
      var octets = [UInt8](repeating: 0, count: 64)
      octets[0] = UInt8.random(in: 0...1, using: &random)
      octets[1] = Bool.random(using: &random) ? 6 : 4
      octets[2] = octets[1] == 6 ? 64 : 16
      octets[3] = [0, 1, 2, 4].randomElement(using: &random) ?? 0
      octets[4] = [0, 1, 3].randomElement(using: &random) ?? 0
      octets[5] = UInt8.random(in: 0...1, using: &random)
      octets[8] = Bool.random(using: &random) ? 0 : UInt8.random(in: 1...255, using: &random)
      for place in 16..<(octets[1] == 6 ? 24 : 18) { octets[place] = UInt8.random(in: 0...255, using: &random) }
      for place in 32..<(Bool.random(using: &random) ? 64 : 63) {
        octets[place] = UInt8.random(in: 1...255, using: &random)
      }
      var frame: [UInt8] = [
        72, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 64, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
      ]
      frame += octets
      guard case .upsert(let request) = try Decode.request(frame), case .plain(let plain) = request.content else {
        Issue.record("\(TestSeed.rerun): \(octets) is plain")
        continue
      }
      let record = try #require(request.records.first)
      #expect(plain.first?.checksum == record.checksum, "\(TestSeed.rerun), \(octets)")
      var again: [UInt8] = []
      Request.upsert(UpsertRequest(records: [record])).encode(requestID: 1, into: &again)
      #expect(again == frame, "\(TestSeed.rerun)")
      met += 1
    }
    #expect(met == 2000)
  }
}
