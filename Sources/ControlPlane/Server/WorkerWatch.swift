import FlowTable

/// Notices workers that have stopped while replaced records wait for them.
///
/// A worker reports once a turn, that is within microseconds; one that holds up a grace period and has reported nothing
/// new for a second is stuck, or its thread does not get the processor. It blocks no reader, but nothing is freed any
/// more, and when the retire queue is full every change is refused.
package struct WorkerWatch {
  /// Nanoseconds without a new report after which a worker is called stuck.
  package static let patience: UInt64 = 1_000_000_000

  private struct Sighting {
    let reported: UInt64
    let since: UInt64
  }

  private var sightings: [Int: Sighting] = [:]

  package init() {}

  /// Workers that are stuck, in order.
  package private(set) var stuck: [Int] = []

  /// Takes in which workers hold up a grace period now, and the generation that each reported last.
  ///
  /// - Returns: whether `stuck` has changed.
  package mutating func look(_ lagging: [(worker: Int, reported: UInt64)], now: UInt64) -> Bool {
    var next: [Int: Sighting] = [:]
    for (worker, reported) in lagging {
      if let before = sightings[worker], before.reported == reported {
        next[worker] = before
      } else {
        next[worker] = Sighting(reported: reported, since: now)
      }
    }
    sightings = next
    let found = next.filter { now &- $0.value.since >= Self.patience }.keys.sorted()
    defer { stuck = found }
    return found != stuck
  }
}
