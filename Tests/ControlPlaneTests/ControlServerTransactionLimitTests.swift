import ControlPlane
import ControlProtocol
import FlowTable
import Testing

private typealias Frames = ControlServerTransactionTests

@Suite("Bounds of transactions on the control socket")
struct ControlServerTransactionLimitTests {
  @Test("A table that is too small for a transaction refuses it whole")
  func tooLarge() throws {
    // 1024 tunnels are the fixture's limit: a transaction takes 1029 records.
    try ServiceFixture(bindings: 5).run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      _ = try Frames.outcome(client.ask(Frames.upsert(Frames.old)))
      let many: [TableRecord] = (10..<1040).map { .binding(Sample.binding(Sample.pooled($0))) }
      try Frames.begin(client)
      #expect(try Frames.refusal(client.ask(Frames.upsert(many))).code == .full)
      let six = Array(many.prefix(6))
      _ = try Frames.outcome(client.ask(Frames.upsert(six)))
      let refusal = try Frames.refusal(client.ask(.transactionCommit(Frames.commit([six]))))
      #expect(refusal.code == .full)
      #expect(try Frames.bindings(client) == Set(Frames.old))
      // Five fit, although four others are there until the commit.
      try Frames.begin(client)
      let five = Array(many.prefix(5))
      _ = try Frames.outcome(client.ask(Frames.upsert(five)))
      _ = try Frames.outcome(client.ask(.transactionCommit(Frames.commit([five]))))
      #expect(try Frames.bindings(client) == Set(five))
    }
  }

  @Test("The memory of records aside is bounded for all connections together, and free again when a transaction ends")
  func memory() throws {
    // A binding of a frame of plain ones counts 80 octets, any other record 400.
    let plain: [TableRecord] = (0..<100).map { .binding(Sample.binding(Sample.pooled($0))) }
    let named: [TableRecord] = (0..<10).map { .binding(Sample.binding(Sample.pooled($0), mobileNode: "mn\($0)")) }
    let limits = Limits(payloadOctets: 4 << 20, recordsPerFrame: 1 << 16, octetsAside: 20_000)
    try ServiceFixture(limits: limits).run { fixture in
      let (one, other) = (try SocketClient.greeted(fixture.path), try SocketClient.greeted(fixture.path))
      for client in [one, other] { try Frames.begin(client) }
      // 8000, 8000 and 4000 octets.
      for (client, frame) in [(one, plain), (other, plain), (one, named)] {
        _ = try Frames.outcome(client.ask(Frames.upsert(frame)))
      }
      for client in [one, other] {
        let refusal = try Frames.refusal(client.ask(Frames.upsert([plain[0]])))
        #expect(refusal.code == .full && refusal.field == "frame" && refusal.rule.contains("20000"))
      }
      // What was refused is not in it.
      let commit = try Frames.outcome(one.ask(.transactionCommit(Frames.commit([plain, named]))))
      #expect(commit.applied == 100)
      _ = try Frames.outcome(other.ask(Frames.upsert(named)))
      _ = try Frames.outcome(other.ask(Frames.upsert(plain)))
      #expect(try Frames.refusal(other.ask(Frames.upsert([plain[0]]))).code == .full)
      _ = try Frames.outcome(other.ask(.transactionAbort))
      for _ in 0..<50 {
        try Frames.begin(other)
        _ = try Frames.outcome(other.ask(Frames.upsert(plain)))
        _ = try Frames.outcome(other.ask(Frames.upsert(plain)))
        _ = try Frames.outcome(other.ask(.transactionAbort))
      }
      do {
        let lost = try SocketClient.greeted(fixture.path)
        try Frames.begin(lost)
        for _ in 0..<2 { _ = try Frames.outcome(lost.ask(Frames.upsert(plain))) }
      }
      try Frames.begin(other)
      var attempts = 0
      while case .failure = try other.ask(Frames.upsert(plain)) {
        attempts += 1
        try #require(attempts < 10_000)
      }
    }
  }

  @Test("What a record aside is counted with covers it and its texts")
  func recordMemory() {
    #expect(MemoryLayout<PlainBinding>.stride <= Replacement.plainOctets)
    // A text of more than 15 octets has memory of its own: 32 octets of the run-time's, and its own 64 at most.
    #expect(MemoryLayout<TableRecord>.stride + 32 + 64 <= Replacement.recordOctets)
  }

  @Test("A transaction is over with its TXN_COMMIT, also with one that is not as specified")
  func malformedCommit() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      var whole: [UInt8] = []
      Request.transactionCommit(TransactionCommit(count: 0, checksum: 0)).encode(requestID: 1, into: &whole)
      // One octet less, by the header's length too; then a reserved octet that is not zero.
      var short = Array(whole.dropLast())
      short[0] -= 1
      var reserved = whole
      reserved[whole.count - 1] = 1
      for frame in [short, reserved] {
        try Frames.begin(client)
        _ = try Frames.outcome(client.ask(Frames.upsert(Frames.new)))
        try client.send(frame)
        guard case .failure(.malformed, _) = try client.receive().reply else {
          Issue.record("a malformed TXN_COMMIT is accepted")
          return
        }
        #expect(try Frames.refusal(client.ask(.transactionAbort)).code == .conflict)
      }
      #expect(try Frames.bindings(client).isEmpty)
    }
  }
}
