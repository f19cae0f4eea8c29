import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Bulk revocation over the socket")
struct ControlServerRevocationTests {
  private static let count = 60_000
  private static let remote = Sample.mag1.remote

  /// So many /128 bindings of one MAG that their removal takes many slices, and one of another.
  private func load(_ client: SocketClient) throws {
    let records = (0..<Self.count).map { index -> TableRecord in
      let address = WireAddress(ipv6High: 0x2001_0db8_0150_0000, low: UInt64(index))
      guard let prefix = WirePrefix(address: address, length: 128) else { preconditionFailure("128 bits fit") }
      return .binding(BindingRecord(prefix: prefix, tunnel: Sample.mag1))
    }
    #expect(try client.ask(.upsert(UpsertRequest(records: records)), flags: .atomic).status == .ok)
    let other = TableRecord.binding(Sample.binding("2001:db8:101::/64", Sample.mag2))
    #expect(try client.ask(.upsert(UpsertRequest(records: [other]))).status == .ok)
  }

  /// Asks until the number of bindings is as wanted; not for ever.
  private func wait(_ client: SocketClient, _ isDone: (UInt64) -> Bool) throws {
    let end = ContinuousClock.now + .seconds(20)
    while let entries = try client.hello().tables.first?.entries, !isDone(entries) {
      guard ContinuousClock.now < end else { throw SocketClient.Failure(description: "\(entries) bindings are left") }
    }
  }

  private func outcome(_ reply: Reply) throws -> Outcome {
    guard case .outcome(let outcome) = reply else { throw SocketClient.Failure(description: "no outcome: \(reply)") }
    return outcome
  }

  @Test("R5846-1: one frame removes them all and counts them; another peer's update is published in between")
  func revocation() throws {
    try ServiceFixture().run { fixture in
      let bulk = try SocketClient.greeted(fixture.path)
      let single = try SocketClient.greeted(fixture.path)
      try load(bulk)
      try bulk.send(.delete(DeleteRequest(keys: [.bindings(remote: Self.remote, nil)])), id: 7, flags: .atomic)
      let record = TableRecord.binding(Sample.binding("2001:db8:102::/64", Sample.mag2))
      let update = try outcome(try single.ask(.upsert(UpsertRequest(records: [record]))))
      let (header, reply) = try bulk.receive()
      let revoked = try outcome(reply)
      #expect(header.requestID == 7 && revoked.applied == UInt32(Self.count) && revoked.failed == 0)
      #expect(update.generation < revoked.generation, "the update did not wait for the last slice")
      #expect(try single.hello().tables.first?.entries == 2)
      #expect(
        try outcome(try bulk.ask(.delete(DeleteRequest(keys: [.bindings(remote: Self.remote, nil)])))).applied == 0)
    }
  }

  @Test("A client that goes away after it has asked: its bindings go all the same, and subscribers are told")
  func lostClient() throws {
    try ServiceFixture().run { fixture in
      let watcher = try SocketClient.greeted(fixture.path)
      try load(watcher)
      let subscriber = try SocketClient.greeted(fixture.path, owner: 5)
      _ = try outcome(subscriber.ask(.subscribe(EventMask(.bulk)), id: 77))
      do {
        let gone = try SocketClient.greeted(fixture.path)
        try gone.send(.delete(DeleteRequest(keys: [.bindings(remote: Self.remote, nil)])), id: 7, flags: .atomic)
        // The first slices are under way before the connection ends.
        try wait(watcher) { $0 <= Self.count }
        withExtendedLifetime(gone) {}
      }
      try wait(watcher) { $0 == 1 }
      let items = try subscriber.event().items.map { "\($0.key)=\($0.value)" }
      #expect(items == ["event=bulk", "operation=revoked", "owner=0", "count=\(Self.count)"])
      #expect(try watcher.hello().tables.first { $0.number == TableNumber.tunnels.rawValue }?.entries == 1)
    }
  }
}
