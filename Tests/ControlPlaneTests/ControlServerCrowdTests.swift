import ControlPlane
import ControlProtocol
import FlowTable
import Glibc
import Testing

/// Many clients, in a process whose descriptors suffice for both ends.
@Suite("A thousand connections", .serialized)
struct ControlServerCrowdTests {
  private func raiseDescriptorLimit() throws {
    var limit = rlimit()
    // Safe, also below: one rlimit structure of this frame.
    try #require(unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    limit.rlim_cur = limit.rlim_max
    try #require(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 && limit.rlim_cur > 2500)
  }

  @Test("A thousand are served, one more is told so and let go, and its place is free again when another leaves")
  func thousand() throws {
    try raiseDescriptorLimit()
    try ServiceFixture().run { fixture in
      var clients: [SocketClient] = []
      for _ in 0..<1000 { clients.append(try SocketClient.greeted(fixture.path)) }
      for client in clients { #expect(try client.ask(.ping(try #require(PingPayload([1])))).status == .ok) }
      for _ in 0..<20 {
        let refused = try SocketClient(fixture.path)
        let (header, reply) = try refused.receive()
        // Golden/hello-reply-busy.hex in this reader's words.
        #expect(header.type == 1 && header.requestID == 0)
        let failure = Outcome.Failure(
          index: nil, code: .unavailable, field: "frame", rule: "1000 connections are open")
        #expect(reply == .failure(.unavailable, Outcome(firstFailure: failure)))
        #expect(refused.isClosed())
      }
      clients.removeFirst(10)
      let end = ContinuousClock.now + .seconds(20)
      while true {
        let client = try SocketClient(fixture.path)
        try client.send(.hello(HelloRequest(client: "test")), id: 1)
        if try client.receive().reply.status == .ok { break }
        guard ContinuousClock.now < end else { throw SocketClient.Failure(description: "no place becomes free") }
      }
      #expect(try clients[500].ask(.status).status == .ok)
    }
  }

  @Test("Clients that stop in the middle of a frame, or never say a word, are in nobody's way")
  func stopped() throws {
    try raiseDescriptorLimit()
    try ServiceFixture().run { fixture in
      var hello: [UInt8] = []
      Request.hello(HelloRequest(client: "test")).encode(requestID: 1, into: &hello)
      let silent = try (0..<300).map { _ in try SocketClient(fixture.path) }
      let cut = try (0..<300).map { index in
        let client = try SocketClient(fixture.path)
        try client.send(Array(hello.prefix(index % hello.count)))
        return client
      }
      let client = try SocketClient.greeted(fixture.path)
      let record = TableRecord.binding(Sample.binding("2001:db8:100:1::/64"))
      #expect(try client.ask(.upsert(UpsertRequest(records: [record]))).status == .ok)
      // What was begun may be ended at any time.
      for (index, client) in cut.enumerated() {
        try client.send(Array(hello.dropFirst(index % hello.count)))
        #expect(try client.receive().reply.status == .ok)
      }
      #expect(silent.allSatisfy { !$0.hasReply })
    }
  }
}
