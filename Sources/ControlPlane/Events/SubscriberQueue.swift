import ControlProtocol
import NIOCore

/// Events on their way to one subscriber, bounded: when it reads too slowly, the newest are lost, and one `overflow` event
/// says which.
package struct SubscriberQueue {
  package static let capacity = 1024

  private struct Loss {
    let first: UInt64
    var count: UInt64
    /// Of the last one that was lost.
    var time: UInt64
  }

  private var waiting = CircularBuffer<(sequence: UInt64, frame: EventFrame)>()
  private var lastSequence: UInt64 = 0
  private var loss: Loss?

  package init() {}

  package var isEmpty: Bool { waiting.isEmpty }

  package mutating func add(_ frame: EventFrame) {
    lastSequence += 1
    guard loss == nil else {
      loss?.count += 1
      loss?.time = frame.time
      return
    }
    // The last place is the overflow event's.
    if waiting.count < Self.capacity {
      waiting.append((lastSequence, frame))
    } else {
      loss = Loss(first: lastSequence, count: 1, time: frame.time)
    }
  }

  /// Takes the next events, at most `limit`, as the octets to send.
  package mutating func take(_ limit: Int, requestID: UInt32) -> [UInt8] {
    var octets: [UInt8] = []
    for _ in 0..<min(limit, waiting.count) {
      let (sequence, frame) = waiting.removeFirst()
      frame.append(requestID: requestID, sequence: sequence, to: &octets)
    }
    // Half empty first, so that a reader just below the rate of events is told once and not with every other event.
    if let loss, waiting.count <= Self.capacity / 2 {
      let items = [
        StatusItem(key: "event", value: "overflow"), StatusItem(key: "first-lost", value: "\(loss.first)"),
        StatusItem(key: "lost", value: "\(loss.count)"),
      ]
      waiting.append((loss.first + loss.count - 1, EventFrame(.overflow, time: loss.time, items: items)))
      self.loss = nil
    }
    if waiting.isEmpty { waiting = CircularBuffer() }
    return octets
  }
}
