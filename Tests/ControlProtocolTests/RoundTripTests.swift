import ControlProtocol
import Testing

@Suite("Round trips of random records")
struct RoundTripTests {
  @Test("UPSERT, DUMP and LOOKUP carry every record unchanged")
  func records() throws {
    var random = RandomRecords(seed: TestSeed.value)
    for round in 0..<2000 {
      let count = random.number(0...8)
      let records = (0..<count).map { _ in random.record() }
      var frame: [UInt8] = []
      let request = Request.upsert(UpsertRequest(records: records))
      request.encode(requestID: 1, flags: .atomic, into: &frame)
      try #require(try Decode.request(frame) == request, "round \(round), \(TestSeed.rerun)")

      let entries = records.map { record in
        LookupEntry(record: record, traffic: TrafficRecord(upPackets: random.number(0...UInt64.max)))
      }
      frame.removeAll()
      Reply.lookup(entries).encode(type: 4, requestID: 1, into: &frame)
      try #require(try Decode.reply(frame) == .lookup(entries), "round \(round), \(TestSeed.rerun)")

      let table = TableNumber.allCases.randomElement(using: &random.generator)!
      let slice = DumpSlice(
        table: table, cookie: random.number(0...UInt64.max), generation: random.number(0...UInt64.max),
        records: records.filter { $0.table == table })
      frame.removeAll()
      Reply.dump(slice).encode(type: 5, requestID: 1, into: &frame)
      try #require(try Decode.reply(frame) == .dump(slice), "round \(round), \(TestSeed.rerun)")
    }
  }

  @Test("DELETE carries every key unchanged, with and without expect")
  func keys() throws {
    var random = RandomRecords(seed: TestSeed.value)
    for round in 0..<2000 {
      let count = random.number(0...8)
      let keys = (0..<count).map { _ in
        let key = random.record().key
        guard case .binding(let table, let prefix, _) = key else { return key }
        if random.chance() {
          return TableKey.bindings(
            remote: random.address(random.family()), random.some { $0.chance() ? .proxy : .mobile })
        }
        return TableKey.binding(table, prefix, expect: random.some { $0.address($0.family()) })
      }
      var frame: [UInt8] = []
      let request = Request.delete(DeleteRequest(keys: keys))
      request.encode(requestID: 1, into: &frame)
      try #require(try Decode.request(frame) == request, "round \(round), \(TestSeed.rerun)")
    }
  }

  @Test("A whole record is accepted as a key: only its key fields count")
  func recordAsKey() throws {
    var golden = try GoldenFrame("upsert-mag").octets
    golden[4] = UInt8(MessageType.delete.rawValue)
    let expected = Request.delete(DeleteRequest(keys: [.binding(.mobile, GoldenModel.home, expect: nil)]))
    #expect(try Decode.request(golden) == expected)
  }
}
