import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Synchronisation on the control socket")
struct ControlServerSynchronizationTests {
  private static func binding(_ number: Int, _ tunnel: WireTunnel = Sample.mag1) -> TableRecord {
    .binding(Sample.binding(Sample.pooled(number), tunnel))
  }

  private static func upsert(_ records: [TableRecord]) -> Request { .upsert(UpsertRequest(records: records)) }

  private static func bindings(_ client: SocketClient) throws -> Set<TableRecord> {
    var all: Set<TableRecord> = []
    try client.send(.dump(DumpRequest(table: .bindings)), id: 9)
    while case .dump(let slice) = try client.receive().reply, !slice.records.isEmpty { all.formUnion(slice.records) }
    return all
  }

  private static func outcome(_ reply: Reply) throws -> Outcome {
    guard case .outcome(let outcome) = reply else { throw SocketClient.Failure(description: "refused: \(reply)") }
    return outcome
  }

  private static func isConflict(_ reply: Reply) -> Bool {
    if case .failure(.conflict, _) = reply { true } else { false }
  }

  private static func isStale(_ client: SocketClient, owner: UInt32 = 7) throws -> Bool {
    try client.hello(owner: owner).tables.first { $0.number == TableNumber.bindings.rawValue }?.hasStaleEntries ?? false
  }

  @Test("Said again unchanged: nothing is written and nothing goes; what is not said goes, and others' entries stay")
  func sweeps() throws {
    try ServiceFixture().run { fixture in
      let other = try SocketClient.greeted(fixture.path)
      let client = try SocketClient.greeted(fixture.path, owner: 7)
      let mine = (0..<3000).map { Self.binding($0) }
      let others = (5000..<5010).map { Self.binding($0) }
      _ = try Self.outcome(other.ask(Self.upsert(others)))
      let said = try Self.outcome(client.ask(Self.upsert(mine)))
      _ = try Self.outcome(client.ask(.syncBegin(TableScope())))
      #expect(try Self.isStale(client))
      let again = try Self.outcome(client.ask(Self.upsert(mine)))
      #expect(again == Outcome(unchanged: 3000, generation: said.generation))
      #expect(try !Self.isStale(client))
      #expect(
        try Self.outcome(client.ask(.syncEnd(SyncEndRequest(count: 3000))))
          == Outcome(removed: 0, generation: said.generation))
      // Now only a part, of which one entry is another.
      _ = try Self.outcome(client.ask(.syncBegin(TableScope(.bindings))))
      let part = Array(mine.prefix(700)) + [Self.binding(2999, Sample.mag2)]
      _ = try Self.outcome(client.ask(Self.upsert(part)))
      for wrong in [700, 702, 0, 3000] {
        #expect(Self.isConflict(try client.ask(.syncEnd(SyncEndRequest(count: UInt64(wrong))))))
      }
      #expect(try Self.isStale(client))
      #expect(try Self.bindings(other).count == 3010)
      #expect(try Self.outcome(client.ask(.syncEnd(SyncEndRequest(count: 701)))).removed == 2299)
      #expect(try Self.bindings(other) == Set(part + others))
      #expect(try !Self.isStale(client))
      #expect(Self.isConflict(try client.ask(.syncEnd(SyncEndRequest(count: 701)))))
    }
  }

  @Test("An owner that is killed and comes back at a random place leaves exactly what it said last")
  func killed() throws {
    let seed = testSeed("ControlServerSynchronizationTests")
    var random = SeededGenerator(seed: seed)
    try ServiceFixture().run { fixture in
      let reader = try SocketClient.greeted(fixture.path)
      let others = (9000..<9020).map { Self.binding($0) }
      _ = try Self.outcome(reader.ask(Self.upsert(others)))
      for round in 0..<40 {
        let said = (0..<2000).filter { _ in Bool.random(using: &random) }.map { number in
          Self.binding(number, Bool.random(using: &random) ? Sample.mag1 : Sample.mag2)
        }
        var bytes: [UInt8] = []
        Request.syncBegin(TableScope()).encode(requestID: 1, into: &bytes)
        for start in stride(from: 0, to: said.count, by: 100) {
          Self.upsert(Array(said[start..<min(start + 100, said.count)])).encode(requestID: 2, into: &bytes)
        }
        Request.syncEnd(SyncEndRequest(count: UInt64(said.count))).encode(requestID: 3, into: &bytes)
        // It dies somewhere on its way, twice at times, and says everything again.
        for _ in 0..<Int.random(in: 0...2, using: &random) {
          let client = try SocketClient.greeted(fixture.path, owner: 7)
          try client.send(Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random))))
        }
        let client = try SocketClient.greeted(fixture.path, owner: 7)
        try client.send(bytes)
        var last: Reply?
        for _ in 0..<(2 + (said.count + 99) / 100) { last = try client.receive().reply }
        let place: Comment = "seed \(seed), round \(round)"
        _ = try Self.outcome(try #require(last, place))
        try #require(try Self.bindings(reader) == Set(said + others), place)
      }
    }
  }

  @Test("A sweep that has begun goes on to its end when its client goes")
  func lostInSweep() throws {
    let (all, kept) = (60_000, 10)
    try ServiceFixture().run { fixture in
      let watcher = try SocketClient.greeted(fixture.path)
      let entries = (0..<all).map { Self.binding($0) }
      do {
        let gone = try SocketClient.greeted(fixture.path, owner: 7)
        _ = try Self.outcome(gone.ask(Self.upsert(entries)))
        _ = try Self.outcome(gone.ask(.syncBegin(TableScope())))
        _ = try Self.outcome(gone.ask(Self.upsert(Array(entries.prefix(kept)))))
        try gone.send(.syncEnd(SyncEndRequest(count: UInt64(kept))), id: 3)
        // The first slices are under way before the connection ends.
        try Self.wait(watcher) { $0 < UInt64(all) }
        withExtendedLifetime(gone) {}
      }
      try Self.wait(watcher) { $0 == UInt64(kept) }
      #expect(try Self.bindings(watcher) == Set(entries.prefix(kept)) && !Self.isStale(watcher, owner: 0))
    }
  }

  /// Asks until the number of bindings is as wanted; not for ever.
  private static func wait(_ client: SocketClient, _ isDone: (UInt64) -> Bool) throws {
    let end = ContinuousClock.now + .seconds(20)
    while let entries = try client.hello().tables.first?.entries, !isDone(entries) {
      guard ContinuousClock.now < end else { throw SocketClient.Failure(description: "\(entries) bindings are left") }
    }
  }

  @Test("A synchronisation that begins anew, here or on another connection, ends the one before")
  func restarts() throws {
    try ServiceFixture().run { fixture in
      let first = try SocketClient.greeted(fixture.path, owner: 7)
      let second = try SocketClient.greeted(fixture.path, owner: 7)
      #expect(Self.isConflict(try first.ask(.syncEnd(SyncEndRequest(count: 0)))))
      _ = try Self.outcome(first.ask(Self.upsert([Self.binding(1), Self.binding(2)])))
      _ = try Self.outcome(first.ask(.syncBegin(TableScope())))
      _ = try Self.outcome(first.ask(Self.upsert([Self.binding(1)])))
      _ = try Self.outcome(second.ask(.syncBegin(TableScope())))
      #expect(Self.isConflict(try first.ask(.syncEnd(SyncEndRequest(count: 1)))))
      // Any connection of the owner says.
      _ = try Self.outcome(first.ask(Self.upsert([Self.binding(2)])))
      #expect(try Self.outcome(second.ask(.syncEnd(SyncEndRequest(count: 1)))).removed == 1)
      #expect(try Self.bindings(second) == [Self.binding(2)])
    }
  }
}
