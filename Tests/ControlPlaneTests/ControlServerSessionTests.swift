import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Sessions over the socket")
struct ControlServerSessionTests {
  @Test("BARRIER is answered when no worker uses anything older")
  func barrier() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      #expect(try client.ask(.barrier).status == .ok)
      fixture.table.quiescence.online(0)
      let record = TableRecord.binding(Sample.binding("2001:db8:100:1::/64"))
      #expect(try client.ask(.upsert(UpsertRequest(records: [record]))).status == .ok)
      let generation = try client.hello().generation
      try client.send(.barrier, id: 5)
      let other = try SocketClient.greeted(fixture.path)
      for _ in 0..<50 { _ = try other.hello() }
      #expect(!client.hasReply)
      fixture.table.quiescence.report(0)
      let (header, reply) = try client.receive()
      #expect(header.requestID == 5 && reply == .outcome(Outcome(generation: generation)))
      fixture.table.quiescence.offline(0)
    }
  }

  @Test("A small transaction is told entry by entry, and a sweep as one number")
  func transactionsAndSweeps() throws {
    try ServiceFixture().run { fixture in
      let watcher = try SocketClient.greeted(fixture.path, owner: 7)
      #expect(try watcher.ask(.subscribe([EventMask(.changed), EventMask(.bulk)]), id: 77).status == .ok)
      let other = try SocketClient.greeted(fixture.path, owner: 9)
      let records = ["2001:db8:100:1::/64", "2001:db8:100:2::/64"].map { TableRecord.binding(Sample.binding($0)) }
      #expect(try other.ask(.upsert(UpsertRequest(records: records))).status == .ok)
      // An empty transaction empties the tables.
      #expect(try other.ask(.transactionBegin(TableScope()), flags: .replace).status == .ok)
      #expect(try other.ask(.transactionCommit(TransactionCommit(count: 0, checksum: 0))).status == .ok)
      let operations = try (0..<4).map { _ in try watcher.event().items[1].value }
      #expect(operations == ["set", "set", "delete", "delete"])
      #expect(try other.ask(.upsert(UpsertRequest(records: records))).status == .ok)
      for _ in 0..<2 { #expect(try watcher.event().items[1].value == "set") }
      #expect(try other.ask(.syncBegin(TableScope())).status == .ok)
      #expect(try other.ask(.upsert(UpsertRequest(records: Array(records.prefix(1))))).status == .ok)
      #expect(try other.ask(.syncEnd(SyncEndRequest(count: 1))).status == .ok)
      let swept = try watcher.event()
      #expect(swept.items.map(\.value) == ["bulk", "swept", "9", "1"])
    }
  }

  @Test("HELLO again must name the same owner")
  func owner() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path, owner: 7)
      #expect(try client.hello(owner: 7).minor == 1)
      guard case .failure(.conflict, let outcome) = try client.ask(.hello(HelloRequest(owner: 8, client: "x"))) else {
        Issue.record("not refused")
        return
      }
      #expect(outcome.firstFailure?.field == "owner")
      #expect(try client.ask(.status).status == .ok)
    }
  }
}
