import ControlPlane
import ControlProtocol
import Testing

@Suite("Queue of one subscriber")
struct SubscriberQueueTests {
  private func frame(_ number: Int) -> EventFrame {
    EventFrame(.flushed, time: UInt64(1000 + number), items: [.init(key: "event", value: "flushed")])
  }

  /// All that is there, decoded by the protocol's reader.
  private func drain(_ queue: inout SubscriberQueue, by limit: Int = 64) throws -> [EventReport] {
    var reports: [EventReport] = []
    while !queue.isEmpty { reports += try EventStream.decode(queue.take(limit, requestID: 77)) }
    return reports
  }

  @Test("Events come in order, with the subscription's id and numbers from 1")
  func order() throws {
    var queue = SubscriberQueue()
    for number in 1...10 { queue.add(frame(number)) }
    let first = try EventStream.decode(queue.take(3, requestID: 77))
    #expect(first.map(\.sequence) == [1, 2, 3] && first.map(\.time) == [1001, 1002, 1003])
    queue.add(frame(11))
    #expect(try drain(&queue).map(\.sequence) == Array(4...11))
    #expect(queue.take(64, requestID: 77).isEmpty)
  }

  @Test("A full queue loses the newest; one overflow event says which, and delivery goes on")
  func overflow() throws {
    var queue = SubscriberQueue()
    for number in 1...1500 { queue.add(frame(number)) }
    // Half of it has been read: there is room for the news of the loss.
    var reports: [EventReport] = []
    while reports.count < 512 { reports += try EventStream.decode(queue.take(64, requestID: 77)) }
    for number in 1501...1510 { queue.add(frame(number)) }
    reports += try drain(&queue)
    #expect(reports.map(\.sequence) == Array(1...1024) + [1500] + Array(1501...1510))
    let overflow = reports[1024]
    #expect(overflow.kind == 0 && overflow.time == 2500)
    #expect(
      overflow.items == [
        .init(key: "event", value: "overflow"), .init(key: "first-lost", value: "1025"),
        .init(key: "lost", value: "476"),
      ])
  }

  @Test("A reader that stops for ever costs one queue, however much happens")
  func stopped() throws {
    var queue = SubscriberQueue()
    for number in 1...100_000 { queue.add(frame(number)) }
    let reports = try drain(&queue)
    #expect(reports.count == 1025)
    #expect(reports.last?.sequence == 100_000)
    #expect(reports.last?.items.last == .init(key: "lost", value: "98976"))
  }

  @Test("Sequence numbers and times never go back, and every number is sent or lost")
  func random() throws {
    let seed = testSeed("SubscriberQueueTests")
    var generator = SeededGenerator(seed: seed)
    var queue = SubscriberQueue()
    var sent: UInt64 = 0
    var reports: [EventReport] = []
    for _ in 0..<200 {
      for _ in 0..<Int.random(in: 0...700, using: &generator) {
        sent += 1
        queue.add(frame(Int(sent)))
      }
      for _ in 0..<Int.random(in: 0...6, using: &generator) {
        reports += try EventStream.decode(queue.take(Int.random(in: 1...200, using: &generator), requestID: 77))
      }
    }
    reports += try drain(&queue)
    var expected: UInt64 = 1
    for report in reports {
      if report.kind == EventKind.overflow.rawValue {
        try #require(report.items[1].value == "\(expected)", "seed \(seed)")
        expected += try #require(UInt64(report.items[2].value)) - 1
      }
      try #require(report.sequence == expected && report.time == 1000 + expected, "seed \(seed)")
      expected += 1
    }
    #expect(expected == sent + 1, "seed \(seed)")
  }
}

@Suite("Tables nearly full")
struct TableFillTests {
  @Test("A crossing is told once, and again only after the table had room")
  func hysteresis() {
    var fill = TableFill()
    var told: [String] = []
    for entries in [0, 89, 90, 91, 100, 85, 80, 90, 80, 79, 60, 89, 90] {
      for (size, isNearlyFull) in fill.look([TableSize(.tunnels, entries, of: 100), TableSize(.peers, 0, of: 100)]) {
        told.append("\(size.table.name) \(size.entries) \(isNearlyFull)")
      }
    }
    #expect(told == ["tunnels 90 true", "tunnels 79 false", "tunnels 90 true"])
  }
}
