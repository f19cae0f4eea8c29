import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Transactions on the control socket")
struct ControlServerTransactionTests {
  static let old: [TableRecord] = (0..<4).map { .binding(Sample.binding(Sample.pooled($0))) }
  static let new: [TableRecord] = (2..<7).map { .binding(Sample.binding(Sample.pooled($0), Sample.mag2)) }

  static func upsert(_ records: [TableRecord]) -> Request { .upsert(UpsertRequest(records: records)) }

  /// What TXN_COMMIT must say of these frames; the CRC is the model's, bit by bit.
  static func commit(_ frames: [[TableRecord]]) -> TransactionCommit {
    var octets: [UInt8] = []
    for frame in frames {
      var bytes: [UInt8] = []
      upsert(frame).encode(requestID: 1, into: &bytes)
      octets += bytes.dropFirst(32)
    }
    return TransactionCommit(count: UInt64(frames.joined().count), checksum: OwnershipModel.crc(octets))
  }

  static func bindings(_ client: SocketClient) throws -> Set<TableRecord> {
    var all: Set<TableRecord> = []
    try client.send(.dump(DumpRequest(table: .bindings)), id: 9)
    while case .dump(let slice) = try client.receive().reply, !slice.records.isEmpty { all.formUnion(slice.records) }
    return all
  }

  static func outcome(_ reply: Reply) throws -> Outcome {
    guard case .outcome(let outcome) = reply else { throw SocketClient.Failure(description: "refused: \(reply)") }
    return outcome
  }

  static func refusal(_ reply: Reply) throws -> Outcome.Failure {
    guard case .failure(_, let outcome) = reply, let failure = outcome.firstFailure else {
      throw SocketClient.Failure(description: "not refused: \(reply)")
    }
    return failure
  }

  static func begin(_ client: SocketClient, _ table: TableNumber? = nil) throws {
    _ = try outcome(client.ask(.transactionBegin(TableScope(table)), flags: .replace))
  }

  /// Begins as many transactions as there may be: every place is free again as soon as the daemon has seen the last
  /// client go.
  private static func takeAllPlaces(_ fixture: ServiceFixture) throws -> [SocketClient] {
    let clients = try (0..<2).map { _ in try SocketClient.greeted(fixture.path) }
    for client in clients {
      var attempts = 0
      while case .failure = try client.ask(.transactionBegin(TableScope()), flags: .replace) {
        attempts += 1
        try #require(attempts < 10_000)
      }
    }
    return clients
  }

  @Test("The content is replaced as one generation; it is the committer's, and equal entries are not written")
  func replaces() throws {
    try ServiceFixture().run { fixture in
      let other = try SocketClient.greeted(fixture.path, owner: 5)
      let client = try SocketClient.greeted(fixture.path, owner: 6)
      _ = try Self.outcome(other.ask(Self.upsert(Self.old)))
      // Both tunnels are there before, so that the bindings' generation is the only one.
      let static2 = TableRecord.tunnel(TunnelRecord(tunnel: Sample.mag2, isStatic: true))
      let static1 = TableRecord.tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true))
      let before = try Self.outcome(other.ask(Self.upsert([static1, static2]))).generation
      try Self.begin(client, .bindings)
      let kept = Self.old[3]
      let frames = [Array(Self.new.dropFirst(2)), [kept]]
      for frame in frames {
        #expect(try Self.outcome(client.ask(Self.upsert(frame))).applied == UInt32(frame.count))
        #expect(try Self.bindings(other) == Set(Self.old))
      }
      let outcome = try Self.outcome(client.ask(.transactionCommit(Self.commit(frames))))
      #expect(outcome == Outcome(applied: 3, unchanged: 1, removed: 3, generation: before + 1))
      #expect(try Self.bindings(other) == Set(frames.joined()))
      // All of it is owner 6's: its synchronisation sweeps what it does not say, owner 5's nothing.
      for (asker, owner, count) in [(other, 5, 0), (client, 6, 4)] {
        _ = try Self.outcome(asker.ask(.syncBegin(TableScope(.bindings))))
        #expect(
          try Self.outcome(asker.ask(.syncEnd(SyncEndRequest(count: 0)))).removed == UInt32(count), "owner \(owner)")
      }
    }
  }

  @Test("A disconnect at every octet leaves the tables as they were, and no transaction open")
  func disconnects() throws {
    try ServiceFixture().run { fixture in
      let reader = try SocketClient.greeted(fixture.path)
      _ = try Self.outcome(reader.ask(Self.upsert(Self.old)))
      let before = try reader.hello()
      var bytes: [UInt8] = []
      Request.transactionBegin(TableScope()).encode(requestID: 1, flags: .replace, into: &bytes)
      Self.upsert(Self.new).encode(requestID: 2, into: &bytes)
      Request.transactionCommit(Self.commit([Self.new])).encode(requestID: 3, into: &bytes)
      for cut in 0..<bytes.count {
        let client = try SocketClient.greeted(fixture.path)
        try client.send(Array(bytes.prefix(cut)))
      }
      let clients = try Self.takeAllPlaces(fixture)
      let after = try reader.hello()
      #expect(after.generation == before.generation)
      #expect(after.tables == before.tables)
      #expect(try Self.bindings(reader) == Set(Self.old))
      // The whole of it does replace: the cuts were of something that works.
      try clients[0].send(.transactionAbort, id: 8)
      _ = try clients[0].receive()
      try clients[0].send(bytes)
      for _ in 0..<3 { _ = try Self.outcome(clients[0].receive().reply) }
      #expect(try Self.bindings(reader) == Set(Self.new))
    }
  }

  @Test("Clients that go with hundreds of frames under way leave the tables as they were, and no transaction open")
  func disconnectsWithBacklog() throws {
    try ServiceFixture().run { fixture in
      let reader = try SocketClient.greeted(fixture.path)
      _ = try Self.outcome(reader.ask(Self.upsert(Self.old)))
      let before = try reader.hello()
      var bytes: [UInt8] = []
      Request.transactionBegin(TableScope()).encode(requestID: 1, flags: .replace, into: &bytes)
      for number in 0..<400 {
        Self.upsert([Self.new[number % Self.new.count]]).encode(requestID: UInt32(2 + number), into: &bytes)
      }
      for _ in 0..<300 {
        let client = try SocketClient.greeted(fixture.path)
        try client.send(bytes)
      }
      let clients = try Self.takeAllPlaces(fixture)
      withExtendedLifetime(clients) {}
      let after = try reader.hello()
      #expect(after.generation == before.generation && after.tables == before.tables)
    }
  }

  @Test("Another count, another checksum, a refused frame, a third transaction, a DELETE: refused with nothing changed")
  func refusals() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      _ = try Self.outcome(client.ask(Self.upsert(Self.old)))
      let right = Self.commit([Self.new])
      for wrong in [
        TransactionCommit(count: right.count + 1, checksum: right.checksum),
        TransactionCommit(count: right.count, checksum: right.checksum ^ 1),
      ] {
        try Self.begin(client)
        _ = try Self.outcome(client.ask(Self.upsert(Self.new)))
        #expect(try Self.refusal(client.ask(.transactionCommit(wrong))).code == .conflict)
        #expect(try Self.bindings(client) == Set(Self.old))
        // It is over.
        #expect(try Self.refusal(client.ask(.transactionCommit(right))).code == .conflict)
      }
      try Self.begin(client)
      #expect(try Self.refusal(client.ask(.transactionBegin(TableScope()), flags: .replace)).code == .conflict)
      #expect(try Self.refusal(client.ask(.syncBegin(TableScope()))).code == .conflict)
      #expect(
        try Self.refusal(client.ask(.delete(DeleteRequest(keys: [Sample.key(Sample.pooled(0))])))).code == .conflict)
      let bad = Self.upsert(Self.new + [.binding(Sample.binding("2001:db9::/64"))])
      #expect(try Self.refusal(client.ask(bad)).index == Self.new.count)
      let second = try SocketClient.greeted(fixture.path)
      try Self.begin(second, .tunnels)
      #expect(try Self.refusal(second.ask(Self.upsert(Self.new))).field == "table")
      let third = try SocketClient.greeted(fixture.path)
      #expect(try Self.refusal(third.ask(.transactionBegin(TableScope()), flags: .replace)).code == .unavailable)
      #expect(try Self.refusal(third.ask(.transactionBegin(TableScope()))).code == .unsupported)
      _ = try Self.outcome(second.ask(.transactionAbort))
      #expect(try Self.refusal(second.ask(.transactionAbort)).code == .conflict)
      try Self.begin(third)
      // Of the refused frame nothing went aside; an empty transaction empties the tables.
      _ = try Self.outcome(client.ask(Self.upsert(Self.new)))
      _ = try Self.outcome(client.ask(.transactionCommit(right)))
      #expect(try Self.bindings(client) == Set(Self.new))
      #expect(
        try Self.outcome(third.ask(.transactionCommit(TransactionCommit(count: 0, checksum: 0)))).removed == 5)
      #expect(try Self.bindings(client).isEmpty)
    }
  }
}
