import ControlPlane
import ControlProtocol
import FlowTable
import Foundation
import Glibc
import Synchronization
import Testing

@Suite("Statistics in shared memory, over the socket")
struct ControlServerStatisticsTests {
  /// A copy of what the area says now, by the seqlock's rules.
  private func copy(_ descriptor: Int32, size: Int) throws -> [UInt8] {
    var octets = [UInt8](repeating: 0, count: size)
    for _ in 0..<1_000_000 {
      // Safe: the array is as long as the size given.
      try #require(unsafe pread(descriptor, &octets, size, 0) == size)
      let sequence = Self.number(octets, 16, 8)
      var again = [UInt8](repeating: 0, count: 8)
      // Safe: as above.
      try #require(unsafe pread(descriptor, &again, 8, 16) == 8)
      if sequence % 2 == 0, Self.number(again, 0, 8) == sequence { return octets }
    }
    throw SocketClient.Failure(description: "the sequence never rests")
  }

  private static func number(_ octets: [UInt8], _ offset: Int, _ size: Int) -> UInt64 {
    (0..<size).reduce(0) { $0 | UInt64(octets[offset + $1]) << UInt64(8 * $1) }
  }

  /// Names and values, read from the specification's words.
  private func values(_ octets: [UInt8]) throws -> [String: UInt64] {
    #expect(octets.prefix(8) == Array("FPSTATS\0".utf8)[...])
    #expect(Self.number(octets, 8, 4) == 1)
    let directory = Int(Self.number(octets, 32, 8))
    var values: [String: UInt64] = [:]
    for index in 0..<Int(Self.number(octets, 40, 8)) {
      let entry = directory + 16 * index
      let name = Int(Self.number(octets, entry, 4))
      let text = String(decoding: octets[name..<name + Int(Self.number(octets, entry + 4, 2))], as: UTF8.self)
      let place = Int(Self.number(octets, entry + 8, 8))
      #expect(place % 8 == 0)
      values[text] = Self.number(octets, place, 8)
    }
    return values
  }

  @Test("The area has every counter, is refreshed while its reader is connected, and cannot be written or resized")
  func area() throws {
    let source = CountingSource()
    try ServiceFixture(source: source).run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      let (reply, descriptor) = try client.askForDescriptor(.statistics, id: 34)
      defer { close(descriptor) }
      guard case .statistics(let statistics) = reply else {
        Issue.record("not the reply to STATS: \(reply)")
        return
      }
      let size = Int(statistics.size)
      #expect(statistics.version == 1)
      let first = try copy(descriptor, size: size)
      #expect(try values(first)["drop.no-binding"] == 0)
      source.advance()
      let end = ContinuousClock.now + .seconds(20)
      while try values(try copy(descriptor, size: size))["rx.core"] != 8 {
        guard ContinuousClock.now < end else { throw SocketClient.Failure(description: "it is not refreshed") }
        usleep(10_000)
      }
      #expect(Self.number(try copy(descriptor, size: size), 24, 8) > Self.number(first, 24, 8))
      var octet: UInt8 = 1
      // Safe, also below: one octet of this frame; the kernel must refuse all of these.
      #expect(unsafe pwrite(descriptor, &octet, 1, 0) < 0 && errno == EPERM)
      #expect(ftruncate(descriptor, 0) < 0 && errno == EPERM)
      let writable = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
      #expect(unsafe writable == MAP_FAILED)
      // New names: this area is over, and another one has them.
      source.rename()
      while Self.number(try copy(descriptor, size: size), 12, 4) != 1 {
        guard ContinuousClock.now < end else { throw SocketClient.Failure(description: "it is not superseded") }
        usleep(10_000)
      }
      let (_, newer) = try client.askForDescriptor(.statistics, id: 35)
      defer { close(newer) }
      #expect(try values(try copy(newer, size: size))["rx.wire"] == 8)
    }
  }

  @Test("Nothing is counted for nobody: without a reader the source is left alone")
  func idle() throws {
    let source = CountingSource()
    try ServiceFixture(source: source).run { fixture in
      do {
        let client = try SocketClient.greeted(fixture.path)
        let (_, descriptor) = try client.askForDescriptor(.statistics, id: 1)
        close(descriptor)
      }
      let other = try SocketClient.greeted(fixture.path)
      // Its end has been heard of when another connection's requests pass.
      usleep(50_000)
      _ = try other.ask(.status)
      let asked = source.asked
      usleep(500_000)
      #expect(source.asked == asked)
    }
  }

  @Test("Replies before and behind a descriptor stay in order, with a reader that is late")
  func order() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      let records = (0..<5000).map { TableRecord.binding(Sample.binding(Sample.pooled($0))) }
      #expect(try client.ask(.upsert(UpsertRequest(records: records))).status == .ok)
      // More than the socket's buffers hold, then the descriptor, then more.
      for id in UInt32(1)...4 { try client.send(.dump(DumpRequest()), id: id) }
      try client.send(.statistics, id: 5)
      try client.send(.ping(try #require(PingPayload([7]))), id: 6)
      usleep(100_000)
      var last: UInt32 = 0
      while last < 4 {
        let (header, reply) = try client.receive()
        guard case .dump(let slice) = reply else { throw SocketClient.Failure(description: "no dump: \(reply)") }
        #expect(header.requestID == last + 1)
        if slice.records.isEmpty { last += 1 }
      }
      let (reply, descriptor) = try client.receiveDescriptor()
      #expect(reply.status == .ok && descriptor >= 0)
      close(descriptor)
      #expect(try client.receive().header.requestID == 6)
    }
  }

  @Test("Counters of thousands of tunnels come in pages, each exactly once, and others are served in between")
  func pages() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      let tunnels = (0..<1000).map { index in
        TableRecord.tunnel(
          TunnelRecord(tunnel: Sample.tunnel("2001:db8:b::\(String(index + 1, radix: 16))"), isStatic: true))
      }
      #expect(try client.ask(.upsert(UpsertRequest(records: tunnels))).status == .ok)
      try client.send(.counters(CountersRequest(all: true)), id: 9)
      var names: [String] = []
      var frames = 0
      while true {
        let (header, reply) = try client.receive()
        guard case .counters(let items) = reply else {
          throw SocketClient.Failure(description: "no counters: \(reply)")
        }
        names += items.map(\.name)
        frames += 1
        if !header.flags.contains(.more) { break }
      }
      #expect(frames > 1)
      #expect(names.count == 4002 && Set(names).count == 4002)
      #expect(names.contains("tunnel.2001:db8:1::1.2001:db8:b::3e8.down.bytes"))
      guard case .counters(let some) = try client.ask(.counters(CountersRequest(all: false))) else {
        Issue.record("COUNTERS was refused")
        return
      }
      #expect(some == [CounterItem(name: "rx.core", value: 7)])
      #expect(try client.ask(.ping(try #require(PingPayload([1])))).status == .ok)
    }
  }
}

/// Counters that change when the test says so.
private final class CountingSource: StatusSource {
  private let state = Mutex((value: UInt64(7), name: "rx.core", asked: 0))

  let warnings: [String] = []
  let statusItems: [StatusItem] = []

  var asked: Int { state.withLock { $0.asked } }
  func advance() { state.withLock { $0.value += 1 } }
  func rename() { state.withLock { $0.name = "rx.wire" } }

  var counterItems: [CounterItem] {
    state.withLock { state in
      state.asked += 1
      return [CounterItem(name: state.name, value: state.value), CounterItem(name: "drop.no-binding", value: 0)]
    }
  }
}
