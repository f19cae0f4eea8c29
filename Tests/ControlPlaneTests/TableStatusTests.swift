import ControlPlane
import ControlProtocol
import FlowTable
import Logging
import Synchronization
import Testing

/// What STATUS says of the forwarding table, and what happens when a worker does not move or the table is damaged.
@Suite struct TableStatusTests {
  private final class Clock: Sendable {
    private let nanoseconds = Atomic<UInt64>(1_000_000_000)

    var now: UInt64 { nanoseconds.load(ordering: .relaxed) }
    func advance(milliseconds: UInt64) { nanoseconds.add(milliseconds * 1_000_000, ordering: .relaxed) }
  }

  private func status(_ client: SocketClient) throws -> [String: String] {
    guard case .status(let items) = try client.ask(.status) else {
      throw SocketClient.Failure(description: "STATUS was refused")
    }
    #expect(Set(items.map(\.key)).count == items.count, "a key twice")
    return Dictionary(items.map { ($0.key, $0.value) }) { first, _ in first }
  }

  private func upsert(_ numbers: Range<Int>, _ tunnel: WireTunnel = Sample.mag1) -> Request {
    .upsert(UpsertRequest(records: numbers.map { .binding(Sample.binding(Sample.pooled($0), tunnel)) }))
  }

  @Test func loadProbesMemoryAndAudit() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      #expect(try client.ask(upsert(0..<5000)).status == .ok)
      let items = try status(client)
      #expect(items["table.proxy.entries"] == "5000" && items["table.mobile.entries"] == "0")
      let slots = try #require(items["table.proxy.slots"].flatMap { Double($0) })
      // Ten slots in each of a power of two of buckets; growth is over at 90 %.
      #expect(slots / 10 == 1024 || slots / 10 == 512 && items["table.proxy.growing"] == "yes")
      let load = try #require(items["table.proxy.load"].flatMap { Double($0) })
      #expect(abs(load - 5000 / slots) <= 0.0005)
      let mean = try #require(items["table.proxy.probes-mean"].flatMap { Double($0) })
      let longest = try #require(items["table.proxy.probes-longest"].flatMap { Int($0) })
      #expect(mean >= 1 && mean < 1.5 && longest >= 1 && longest < 30)
      #expect(items["audit.result"] == "ok" && items["audit.findings"] == "0" && items["audit.age"] == "0")
      let parts = ["buckets", "records", "counters", "retire-queue", "tunnels", "route-trie", "free-lists"]
      let octets = try parts.map { part in try #require(items["memory.\(part)"].flatMap { Int($0) }) }
      #expect(items["memory.total"] == "\(octets.reduce(0, +))" && octets[0] >= Int(slots) / 10 * 64)
      #expect(octets[1] >= 5000 * 64 && items["retired.capacity"] == "\(1 << 20)")
      #expect(items["retired.lagging-workers"] == "none" && !items.keys.contains { $0.hasPrefix("warning.w") })
    }
  }

  /// An update on another connection does not wait for the audit of a large table.
  @Test func updatesOvertakeAnAudit() throws {
    try ServiceFixture().run { fixture in
      let (asking, updating) = (try SocketClient.greeted(fixture.path), try SocketClient.greeted(fixture.path))
      for part in 0..<10 {
        let records = (0..<60_000).map { number in
          let address = WireAddress(ipv6High: 0x2001_0db8_0150_0000, low: UInt64(part * 60_000 + number))
          guard let prefix = WirePrefix(address: address, length: 128) else { preconditionFailure("128 bits fit") }
          return TableRecord.binding(BindingRecord(prefix: prefix, tunnel: Sample.mag1))
        }
        #expect(try updating.ask(.upsert(UpsertRequest(records: records))).status == .ok)
      }
      try asking.send(.status, id: 7)
      var overtaking = 0
      while !asking.hasReply {
        #expect(try updating.ask(upsert(overtaking % 50..<overtaking % 50 + 1)).status == .ok)
        overtaking += 1
      }
      // 600 000 keys are some 250 slices of 0.2 ms.
      #expect(overtaking > 5)
      let (_, reply) = try asking.receive()
      guard case .status(let items) = reply else {
        Issue.record("STATUS was refused")
        return
      }
      #expect(items.contains { $0.key == "audit.result" && ($0.value == "ok while changing" || $0.value == "running") })
    }
  }

  @Test func stuckWorkerIsReportedAndBoundsMemory() throws {
    let (clock, record) = (Clock(), LogRecorder())
    try ServiceFixture(retired: 100, clock: { clock.now }, record: record).run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      #expect(try client.ask(upsert(0..<200)).status == .ok)
      fixture.table.quiescence.online(0)
      #expect(try client.ask(upsert(0..<80, Sample.mag2)).status == .ok)
      #expect(try status(client)["warning.workers"] == nil, "a worker may take a while")
      #expect(try status(client)["warning.retired"] == "80 of 100 replaced records wait for workers")
      // The queue is nearly full: what does not fit is refused, and nothing of it is done.
      let refused = try client.ask(upsert(80..<180, Sample.mag2), flags: .atomic)
      #expect(refused.status == .unavailable)
      let lookup = Request.lookup(.address(Sample.binding(Sample.pooled(80)).prefix.address))
      guard case .lookup(let entries) = try client.ask(lookup) else {
        Issue.record("LOOKUP was refused")
        return
      }
      #expect(entries.map(\.record) == [.binding(Sample.binding(Sample.pooled(80)))])
      // The writer looks every few milliseconds of the real clock; ten seconds of this one are more than its patience.
      var items = try status(client)
      for _ in 0..<10_000 where items["warning.workers"] == nil {
        clock.advance(milliseconds: 1)
        items = try status(client)
      }
      #expect(items["warning.workers"]?.contains("[0] do not move") == true && items["retired.stuck-workers"] == "0")
      #expect(items["audit.result"] == "ok" && items["retired.waiting"] == "80")
      #expect(record.texts.contains { $0.hasPrefix("error: workers do not move") && $0.contains("workers=[0]") })
      // It goes on: everything is freed, and the refused update finds room.
      fixture.table.quiescence.report(0)
      for _ in 0..<10_000 where items["retired.stuck-workers"] != "none" { items = try status(client) }
      #expect(items["warning.workers"] == nil && record.texts.contains { $0.hasPrefix("notice: all workers move") })
      #expect(try client.ask(upsert(80..<180, Sample.mag2), flags: .atomic).status == .ok)
      fixture.table.quiescence.offline(0)
    }
  }

  @Test func watchHasPatience() {
    var watch = WorkerWatch()
    let second = WorkerWatch.patience
    #expect(!watch.look([(2, 5), (4, 9)], now: 10) && watch.stuck == [])
    #expect(!watch.look([(2, 5), (4, 9)], now: 10 + second - 1) && watch.stuck == [])
    // Worker 4 has reported since: it begins anew.
    #expect(watch.look([(2, 5), (4, 10)], now: 10 + second) && watch.stuck == [2])
    #expect(!watch.look([(2, 5), (4, 10)], now: 10 + 2 * second - 1) && watch.stuck == [2])
    #expect(watch.look([(2, 5), (4, 10)], now: 10 + 2 * second) && watch.stuck == [2, 4])
    #expect(watch.look([(4, 10)], now: 10 + 3 * second) && watch.stuck == [4])
    #expect(watch.look([], now: 10 + 4 * second) && watch.stuck == [])
    #expect(!watch.look([(2, 5)], now: 10 + 5 * second) && watch.stuck == [])
  }

  /// A damaged table is reported and logged; one that is sound is not audited again at once.
  @Test func auditorTellsAndRests() throws {
    let (fixture, clock, record) = (try RegistryFixture(), Clock(), LogRecorder())
    let logger = Logger(label: "test") { _ in record }
    let auditor = TableAuditor(
      writer: fixture.writer,
      clock: {
        clock.advance(milliseconds: 1)
        return clock.now
      }, logger: logger)
    for number in 0..<4096 { _ = fixture.set(.binding(Sample.binding(Sample.pooled(number)))) }
    var slices = 1
    while !auditor.advance() { slices += 1 }
    let first = try #require(auditor.last)
    #expect(slices > 1 && first.report.isSound && first.report.isWhole && first.report.proxyTable.entries == 4096)
    // Each slice looked at the clock twice, so the audit took some milliseconds, and its rest is ten times as long.
    #expect(auditor.advance() && auditor.last?.finishedAt == first.finishedAt && record.texts.isEmpty)
    clock.advance(milliseconds: UInt64(slices) * 30)
    // A record's tunnel number.
    unsafe fixture.writer.octets(of: .bindingRecords).storeBytes(of: 77, toByteOffset: 64 + 36, as: UInt32.self)
    #expect(!auditor.advance() && auditor.isRunning)
    for _ in 0..<slices * 2 { auditor.advanceIfRunning() }
    let second = try #require(auditor.last)
    #expect(second.report.findings.contains { $0.invariant == .target && $0.seen.contains("77") })
    #expect(record.texts.count == 1 && record.texts[0].hasPrefix("critical: the forwarding table is damaged"))
  }
}
