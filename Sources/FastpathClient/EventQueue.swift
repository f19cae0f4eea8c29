import ControlProtocol

/// Events that nobody has asked for yet, at most so many.
struct EventQueue {
  private let capacity: Int
  private var events: [EventReport] = []
  /// The number of the first event that found no room, and the last one that found none.
  private var lost: (first: UInt64, last: EventReport)?

  init(capacity: Int) { self.capacity = capacity }

  mutating func append(_ event: EventReport) {
    guard lost != nil || events.count >= capacity else {
      events.append(event)
      return
    }
    lost = (lost?.first ?? Self.firstNumber(event), event)
  }

  /// The daemon's own `overflow` stands for events before it too.
  private static func firstNumber(_ event: EventReport) -> UInt64 {
    guard event.kind == EventKind.overflow.rawValue,
      let first = event.items.first(where: { $0.key == "first-lost" }).flatMap({ UInt64($0.value) })
    else { return event.sequence }
    return min(first, event.sequence)
  }

  /// The oldest; after those that were kept one `overflow` for all that were not, in the daemon's own form.
  mutating func next() -> EventReport? {
    guard events.isEmpty else { return events.removeFirst() }
    guard let (first, last) = lost else { return nil }
    lost = nil
    let count = last.sequence >= first ? (last.sequence - first) &+ 1 : 1
    return EventReport(
      sequence: last.sequence, time: last.time, kind: EventKind.overflow.rawValue,
      items: [
        StatusItem(key: "event", value: "overflow"), StatusItem(key: "first-lost", value: "\(first)"),
        StatusItem(key: "lost", value: "\(count)"),
      ])
  }
}
