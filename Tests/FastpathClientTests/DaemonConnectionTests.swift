import ControlProtocol
import FastpathClient
import Foundation
import Synchronization
import Testing

@Suite("The client's connection, to the fake data plane")
struct DaemonConnectionTests {
  private let plane: FakePlane
  private let daemon: DaemonConnection

  init() throws {
    plane = try FakePlane()
    daemon = try DaemonConnection(path: plane.socket, owner: 7, name: "test")
  }

  private func content() throws -> Set<TableRecord> {
    var records: Set<TableRecord> = []
    try daemon.dump(.bindings) { (part) throws(ClientError) in records.formUnion(part) }
    return records
  }

  @Test("What is set is found, dumped, and deleted")
  func records() throws {
    let records = Samples.bindings(0..<2500)
    #expect(try daemon.upsert(records, flags: [.atomic, .quiesced]).applied == 2500)
    #expect(try daemon.upsert(records).unchanged == 2500)
    #expect(try content() == Set(records))
    let found = try daemon.lookup(.prefix(Samples.prefix(9)))
    #expect(found.map(\.record) == [records[9]])
    #expect(found.first?.traffic.upBytes == 100)
    #expect(try daemon.delete(records.map(\.key)).applied == 2500)
    try daemon.barrier()
    try daemon.ping(try #require(PingPayload([1, 2, 3])))
    #expect(try content().isEmpty)
  }

  @Test("A refusal is thrown with its status, and the connection lives")
  func refusal() throws {
    let error = #expect(throws: ClientError.self) { try daemon.lookup(.prefix(Samples.prefix(1))) }
    guard case .refused(.notFound, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try daemon.status().first?.key == "role")
    #expect(try daemon.counters(all: true).isEmpty)
  }

  @Test("Requests far ahead of their replies never make both sides wait for each other")
  func pipelining() throws {
    _ = try daemon.upsert(Samples.bindings(0..<3000))
    // Each of the replies is 200 kB: more than any socket holds of a hundred.
    let ids = try (0..<100).map { _ in try daemon.send(.dump(DumpRequest(table: .bindings))) }
    let ping = try daemon.send(.ping(try #require(PingPayload([9]))))
    var ended: [UInt32] = []
    while true {
      let received = try daemon.receive()
      if case .dump(let slice) = received.reply, slice.records.isEmpty { ended.append(received.requestID) }
      if received.requestID == ping { break }
    }
    #expect(ended == ids)
  }

  @Test("Replies that nobody receives stop the sender with an error, not for ever")
  func unread() throws {
    _ = try daemon.upsert(Samples.bindings(0..<300))
    var sent = 0
    let error = #expect(throws: ClientError.self) {
      while sent < 1_000_000 {
        try daemon.send(.dump(DumpRequest(table: .bindings)))
        sent += 1
      }
    }
    guard case .repliesWaiting = error else {
      Issue.record("\(String(describing: error)) after \(sent)")
      return
    }
    // Nothing was sent of what was refused: every reply comes, and then the connection serves on.
    var ends = 0
    while ends < sent {
      if case .dump(let slice) = try daemon.receive().reply, slice.records.isEmpty { ends += 1 }
    }
    #expect(try daemon.lookup(.prefix(Samples.prefix(1))).count == 1)
  }

  @Test("A transaction replaces the content, and one that is not committed changes nothing")
  func transaction() throws {
    _ = try daemon.upsert(Samples.bindings(0..<10))
    var given = try ReplaceTransaction(on: daemon, TableScope(.bindings))
    for start in stride(from: 5, to: 5000, by: 50) { try given.upsert(Samples.bindings(start..<start + 50)) }
    let outcome = try given.commit()
    #expect([outcome.applied, outcome.unchanged, outcome.removed] == [4995, 5, 5])
    #expect(try content() == Set(Samples.bindings(5..<5005)))
    do {
      var dropped = try ReplaceTransaction(on: daemon)
      try dropped.upsert(Samples.bindings(0..<1))
    }
    #expect(try content() == Set(Samples.bindings(5..<5005)))
    // The next one finds no transaction open.
    #expect(try ReplaceTransaction(on: daemon).commit().removed == 5000)
  }

  @Test("A synchronisation sweeps what was not said again, and only with the right count")
  func synchronisation() throws {
    _ = try daemon.upsert(Samples.bindings(0..<10))
    try daemon.beginSync()
    #expect(try daemon.upsert(Samples.bindings(0..<4)).unchanged == 4)
    #expect(throws: ClientError.self) { try daemon.endSync(count: 5) }
    #expect(try daemon.refresh(owner: 7, name: "test").tables.contains { $0.hasStaleEntries })
    #expect(try daemon.endSync(count: 4).removed == 6)
    #expect(try content() == Set(Samples.bindings(0..<4)))
  }

  @Test("Events come between replies, and those that nobody asks for in time are counted as lost")
  func events() throws {
    try daemon.subscribe()
    let other = try DaemonConnection(path: plane.socket, owner: 8, name: "other")
    for number in 0..<1500 { _ = try other.upsert([Samples.binding(number)]) }
    // Reads all that the socket holds, so that the queue is full.
    while try daemon.lookup(.prefix(Samples.prefix(1499))).isEmpty {}
    var sequences: [UInt64] = []
    var (overflows, lost): (Int, UInt64) = (0, 0)
    while let event = try daemon.nextEvent(within: .milliseconds(500)) {
      sequences.append(event.sequence)
      if event.kind == EventKind.overflow.rawValue {
        overflows += 1
        lost += UInt64(event.items.first { $0.key == "lost" }?.value ?? "") ?? 0
      } else {
        #expect(event.items.first?.value == "changed")
      }
    }
    #expect(sequences == sequences.sorted())
    // Each is seen or counted.
    #expect(UInt64(sequences.count - overflows) + lost == 1500)
    #expect(overflows > 0)
  }

  @Test("The counters in shared memory are there to read")
  func statistics() throws {
    let area = try daemon.statistics()
    let counters = try #require(area.counters())
    #expect(Set(counters.map(\.name)) == Set(try daemon.counters(all: true).map(\.name)))
    #expect(!area.isRetired)
    #expect(area.refreshed > 0)
  }

  @Test("A daemon that closes with another reply on its way is unreachable, not waited for")
  func closes() throws {
    var other: [UInt8] = []
    Reply.ping(try #require(PingPayload([1]))).encode(type: MessageType.ping.rawValue, requestID: 99, into: &other)
    let stub = try StubDaemon(answer: other)
    // In a thread of its own, so that one that waits for ever fails the test instead of stopping it.
    let ended = Ended()
    Thread.detachNewThread {
      ended.error.withLock { $0 = Self.afterTheEnd(stub.socket) }
      ended.signal.signal()
    }
    try #require(ended.signal.wait(timeout: .now() + 20) == .success)
    let error = ended.error.withLock { $0 }
    guard case .unreachable = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// How a thread ended.
  private final class Ended: Sendable {
    let error = Mutex<ClientError?>(nil)
    let signal = DispatchSemaphore(value: 0)
  }

  /// What the last of these calls throws: the reply that came is given, and nothing else is waited for.
  private static func afterTheEnd(_ path: String) -> ClientError? {
    do throws(ClientError) {
      let daemon = try DaemonConnection(path: path, name: "test")
      do throws(ClientError) { try daemon.barrier() } catch .unreachable {}
      guard try daemon.receive().requestID == 99 else { return nil }
      _ = try daemon.nextEvent(within: .seconds(5))
      return nil
    } catch {
      return error
    }
  }

  @Test("Nobody there, and a path that cannot be one, are said in a sentence")
  func unreachable() {
    for path in ["/tmp/fp-nobody.sock", "", String(repeating: "x", count: 200)] {
      let error = #expect(throws: ClientError.self) { try DaemonConnection(path: path, name: "test") }
      guard case .unreachable = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
  }
}
