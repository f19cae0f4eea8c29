import ControlPlane
import ControlProtocol
import FlowTable
import Testing

/// What one connection has under way at a time, and what becomes of it at an end.
@Suite("Requests under way together")
struct ControlServerPipelineTests {
  private func upsert(_ numbers: Range<Int>) -> Request {
    .upsert(UpsertRequest(records: numbers.map { .binding(Sample.binding(Sample.pooled($0))) }))
  }

  /// More octets than the daemon lets one connection have under way, and requests behind them.
  private func requests(_ flags: FrameFlags, behind count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    upsert(0..<2048).encode(requestID: 1, flags: flags, into: &bytes)
    for id in 0..<count { upsert(3000 + id..<3001 + id).encode(requestID: UInt32(2 + id), flags: flags, into: &bytes) }
    return bytes
  }

  @Test("Each of several QUIESCED requests gets its own grace period, and its answer")
  func gracePeriods() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      fixture.table.quiescence.online(0)
      defer { fixture.table.quiescence.offline(0) }
      try client.send(requests(.quiesced, behind: 3))
      let other = try SocketClient.greeted(fixture.path)
      for id in 1...4 {
        while try #require(other.hello().tables.first).entries < UInt64(2047 + id) {}
        #expect(!client.hasReply)
        fixture.table.quiescence.report(0)
        let (header, reply) = try client.receive()
        #expect(header.requestID == UInt32(id) && reply.status == .ok)
      }
    }
  }

  @Test("A client that ends its output behind a large frame gets all replies, then the end")
  func halfClosed() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      try client.send(requests([], behind: 100))
      client.endInput()
      for id in 1...101 {
        let (header, reply) = try client.receive()
        #expect(header.requestID == UInt32(id) && reply.status == .ok)
      }
      #expect(client.isClosed())
    }
  }

  @Test("No event follows the reply that ends a subscription, whatever others change meanwhile")
  func unsubscribed() throws {
    try ServiceFixture().run { fixture in
      let watcher = try SocketClient.greeted(fixture.path, owner: 1)
      let other = try SocketClient.greeted(fixture.path, owner: 2)
      for round in 0..<100 {
        #expect(try watcher.ask(.subscribe(EventMask(.changed)), id: 77).status == .ok)
        for number in 0..<8 { try other.send(upsert(round * 8 + number..<round * 8 + number + 1), id: 5) }
        try watcher.send(.subscribe([]), id: 78)
        var last = try watcher.receive().header
        while last.requestID == 77 { last = try watcher.receive().header }
        #expect(last.requestID == 78)
        #expect(try watcher.ask(.ping(try #require(PingPayload([1]))), id: 79).status == .ok)
        for _ in 0..<8 { #expect(try other.receive().reply.status == .ok) }
      }
    }
  }

  @Test("A stop while the kernel's word is still being taken in leaves nothing behind")
  func stopped() throws {
    weak var table: FlowTable?
    do {
      let fixture = try ServiceFixture()
      table = fixture.table
      try fixture.run { fixture in
        let gateway = IPAddress(Sample.address("2001:db8:7::1"))
        let route = KernelRoute(
          prefix: Prefix(covering: IPAddress(Sample.address("2001:db8::")), length: 32), gateway: gateway,
          interface: 12,
          metric: 1)
        for number in 0..<50_000 { fixture.service.handle(number % 2 == 0 ? .routeAdded(route) : .routeRemoved(route)) }
      }
    }
    #expect(table == nil)
  }
}
