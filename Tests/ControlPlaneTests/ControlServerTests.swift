import ControlPlane
import ControlProtocol
import FlowTable
import Foundation
import Testing

@Suite("Control server")
struct ControlServerTests {
  private func upsert(_ prefixes: [String], _ tunnel: WireTunnel = Sample.mag1) -> Request {
    .upsert(UpsertRequest(records: prefixes.map { .binding(Sample.binding($0, tunnel)) }))
  }

  private func outcome(_ reply: Reply) throws -> Outcome {
    switch reply {
    case .outcome(let outcome), .failure(_, let outcome): return outcome
    default: throw SocketClient.Failure(description: "no outcome: \(reply)")
    }
  }

  @Test("HELLO says who, what and how much")
  func hello() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient(fixture.path)
      let hello = try client.hello()
      #expect(hello.major == 1 && hello.role == .lma && hello.access == .write)
      #expect(hello.software == "fastpathd test")
      #expect(hello.limits == .standard)
      #expect(hello.tables.first { $0.number == TableNumber.bindings.rawValue }?.capacity == 1 << 20)
      let again = try SocketClient(fixture.path).hello()
      #expect(again.bootID == hello.bootID)
      #expect(hello.bootID != (0, 0))
    }
  }

  @Test("Set, look up, dump, delete over the socket")
  func conversation() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      #expect(
        try outcome(try client.ask(upsert(["2001:db8:100:1::/64", "203.0.113.10/32"]), flags: .atomic)).applied == 2)
      guard case .lookup(let entries) = try client.ask(.lookup(.address(Sample.address("2001:db8:100:1::77")))) else {
        Issue.record("LOOKUP was refused")
        return
      }
      #expect(entries.map(\.record) == [.binding(Sample.binding("2001:db8:100:1::/64"))])
      #expect(try client.ask(.lookup(.address(Sample.address("2001:db8:ff::1")))).status == .notFound)
      let keys = [Sample.key("2001:db8:100:1::/64"), Sample.key("203.0.113.10/32", expect: "2001:db8:b::1")]
      let refused = try client.ask(.delete(DeleteRequest(keys: keys)), flags: .atomic)
      #expect(refused.status == .stale)
      #expect(try outcome(refused).firstFailure?.index == 1)
      #expect(try outcome(try client.ask(.delete(DeleteRequest(keys: keys)))).applied == 1)
    }
  }

  @Test("A dump of thousands comes in frames, and an empty one ends it")
  func dump() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      let prefixes = (0..<5000).map(Sample.pooled)
      #expect(try outcome(try client.ask(upsert(prefixes))).applied == 5000)
      try client.send(.dump(DumpRequest()), id: 9)
      var records: [TableRecord] = []
      var frames = 0
      while true {
        let (header, reply) = try client.receive()
        guard case .dump(let slice) = reply, header.requestID == 9 else {
          Issue.record("not a frame of the dump: \(reply)")
          return
        }
        if slice.records.isEmpty { break }
        frames += 1
        records += slice.records
      }
      #expect(frames >= 3)
      let expected = Set(prefixes.map { TableRecord.binding(Sample.binding($0)) })
      #expect(records.count == 5000 && Set(records) == expected)
      #expect(try client.ask(.dump(DumpRequest(table: .bindings, cookie: 12345))).status == .invalid)
    }
  }

  @Test("A bad record is named by index, field and rule, and nothing of an ATOMIC frame is applied")
  func badRecord() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      let request = upsert(["2001:db8:100:1::/64", "2001:db8:999::/64"])
      let refused = try client.ask(request, flags: .atomic)
      #expect(refused.status == .invalid)
      let failure = try outcome(refused).firstFailure
      #expect(failure?.index == 1 && failure?.field == "prefix" && failure?.rule.contains("pools") == true)
      #expect(try client.hello().tables.first?.entries == 0)
      let partial = try client.ask(request)
      #expect(partial.status == .invalid)
      #expect(try outcome(partial).applied == 1)
    }
  }

  @Test("In a sliced frame the first failure keeps its index")
  func badRecordInLaterSlice() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      var prefixes = (0..<6000).map(Sample.pooled)
      prefixes[5555] = "2001:db8:999::/64"
      prefixes[5777] = "2001:db8:999::/64"
      let result = try outcome(try client.ask(upsert(prefixes)))
      #expect(result.applied == 5998 && result.failed == 2 && result.firstFailure?.index == 5555)
    }
  }

  @Test("STATUS has warnings first and the source's lines; COUNTERS are non-zero or all")
  func statusAndCounters() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      #expect(try outcome(try client.ask(upsert(["2001:db8:100:1::/64"]))).applied == 1)
      guard case .status(let items) = try client.ask(.status) else {
        Issue.record("STATUS was refused")
        return
      }
      #expect(items.first == StatusItem(key: "warning.0", value: "checksum offload on core"))
      #expect(items.contains(StatusItem(key: "role", value: "lma")))
      #expect(items.contains(StatusItem(key: "table.bindings", value: "1")))
      #expect(items.last == StatusItem(key: "port.core.mtu", value: "1500"))
      #expect(
        try client.ask(.counters(CountersRequest(all: false))) == .counters([CounterItem(name: "rx.core", value: 7)]))
      guard case .counters(let all) = try client.ask(.counters(CountersRequest(all: true))) else {
        Issue.record("COUNTERS was refused")
        return
      }
      #expect(all.map(\.name).contains("tunnel.2001:db8:1::1.2001:db8:a::1.down.packets"))
      #expect(all.count == 6)
    }
  }

  @Test("QUIESCED waits for a worker's quiescent point, and only then acknowledges")
  func quiesced() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      fixture.table.quiescence.online(0)
      try client.send(upsert(["2001:db8:100:1::/64"]), id: 5, flags: [.quiesced])
      // Another connection sees the change published while the stronger acknowledgement is still out.
      let other = try SocketClient.greeted(fixture.path)
      while try other.hello().tables.first?.entries == 0 {}
      for _ in 0..<20 { _ = try other.hello() }
      #expect(!client.hasReply)
      fixture.table.quiescence.report(0)
      let (header, reply) = try client.receive()
      #expect(header.requestID == 5)
      #expect(try outcome(reply).applied == 1)
      fixture.table.quiescence.offline(0)
      #expect(try client.ask(upsert(["2001:db8:100:2::/64"]), flags: [.quiesced]).status == .ok)
    }
  }

  @Test("QUIESCED waits for what was applied, also when another record of the frame is refused")
  func quiescedInPart() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      fixture.table.quiescence.online(0)
      try client.send(upsert(["2001:db8:100:1::/64", "2001:db8:999::/64"]), id: 5, flags: [.quiesced])
      let other = try SocketClient.greeted(fixture.path)
      while try other.hello().tables.first?.entries == 0 {}
      for _ in 0..<20 { _ = try other.hello() }
      #expect(!client.hasReply)
      fixture.table.quiescence.report(0)
      let reply = try client.receive().reply
      let answer = try outcome(reply)
      #expect(reply.status == .invalid && (answer.applied, answer.failed) == (1, 1))
      #expect(answer.firstFailure?.index == 1)
      // Where nothing was applied, there is nothing to wait for.
      #expect(try client.ask(upsert(["2001:db8:999::/64"]), flags: [.quiesced]).status == .invalid)
      fixture.table.quiescence.offline(0)
    }
  }

  @Test("Pipelined requests are answered in order, also after the client has ended its output")
  func pipelined() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient(fixture.path)
      var bytes: [UInt8] = []
      Request.hello(HelloRequest(client: "pipe")).encode(requestID: 0, into: &bytes)
      for id in 1...500 { upsert([Sample.pooled(id)]).encode(requestID: UInt32(id), into: &bytes) }
      try client.send(bytes)
      client.endInput()
      for id in 0...500 {
        let (header, reply) = try client.receive()
        #expect(header.requestID == UInt32(id) && reply.status == .ok)
      }
      #expect(client.isClosed())
    }
  }

  @Test("A single update overtakes a bulk load on another connection")
  func overtaking() throws {
    try ServiceFixture().run { fixture in
      let bulk = try SocketClient.greeted(fixture.path)
      let single = try SocketClient.greeted(fixture.path)
      // 128-bit prefixes: 240 000 of them in four frames.
      let frames = (0..<4).map { frame in
        Request.upsert(
          UpsertRequest(
            records: (0..<60_000).map { index in
              let address = WireAddress(ipv6High: 0x2001_0db8_0150_0000, low: UInt64(frame * 60_000 + index))
              guard let prefix = WirePrefix(address: address, length: 128) else { preconditionFailure("128 bits fit") }
              return .binding(BindingRecord(prefix: prefix, tunnel: Sample.mag1))
            }))
      }
      for (id, frame) in frames.enumerated() { try bulk.send(frame, id: UInt32(id)) }
      while try single.hello().tables.first?.entries == 0 {}
      #expect(try single.ask(upsert(["2001:db8:100:1::/64"], Sample.mag2)).status == .ok)
      let entries = try #require(try single.hello().tables.first?.entries)
      #expect(entries < 240_001, "the bulk load was still going on")
      for id in 0..<4 {
        let (header, reply) = try bulk.receive()
        #expect(header.requestID == UInt32(id))
        #expect(try outcome(reply).applied == 60_000)
      }
      #expect(try single.hello().tables.first?.entries == 240_001)
    }
  }
}

extension Reply {
  /// `ok` or the refusal's code.
  var status: StatusCode {
    if case .failure(let code, _) = self { code } else { .ok }
  }
}
