import FastPath
import FlowTable

/// Held packets as anyone would write them first: arrays of arrival times, and rates taken from them anew each time.
struct HandoverModel {
  struct Packet {
    let number: UInt32
    let arrived: UInt64
    let holding: HoldingID?
  }

  /// What happened to a packet.
  struct Fate: Hashable {
    let number: UInt32
    let kind: HandoverBuffer.Event.Kind
  }

  struct Queue {
    var packets: [Packet] = []
    var mode = HandoverMode.waiting
    /// When packets arrived while waiting, and since the drain began, those that found no room included.
    var arrivals: [UInt64] = []
    var joined: [UInt64] = []
    /// The interval that held before the present wait.
    var before: UInt64 = 0
    /// The most between two packets of a drain, so that all that was held leaves before the first would be too old.
    var longest = UInt64.max
    /// Packets that left since the drain began, and when the next may.
    var left = 0
    var next: UInt64 = 0

    static func distance(_ times: [UInt64]) -> UInt64? {
      guard let first = times.first, let last = times.last, times.count > 1 else { return nil }
      return (last - first) / UInt64(times.count - 1)
    }

    /// RFC 5568 section 5.4: the metered rate; an eighth less when others join; theirs when they come faster.
    var interval: UInt64 {
      var interval = min(Self.distance(arrivals) ?? before, longest)
      if joined.isEmpty { return interval }
      if joined.count >= 8, let theirs = Self.distance(joined) { interval = min(interval, theirs) }
      return interval - interval / 8
    }
  }

  let limits: HandoverLimits
  private(set) var queues: [UInt32: Queue] = [:]
  /// What is to be dropped, by binding.
  private(set) var cancelled: [UInt32: [Packet]] = [:]

  init(limits: HandoverLimits) { self.limits = limits }

  private var packets: [Packet] { queues.values.flatMap(\.packets) + cancelled.values.flatMap(\.self) }
  var heldCount: Int { packets.count }
  func held(_ id: HoldingID) -> Int { packets.count { $0.holding == id } }

  mutating func hold(_ binding: UInt32, _ number: UInt32, _ holding: HoldingID?, now: UInt64) -> Bool {
    let node = holding.map { held($0) } ?? queues[binding]?.packets.count ?? 0
    let hasRoom = node < limits.perMobileNode && heldCount < limits.total
    guard hasRoom || queues[binding] != nil else { return false }
    var queue = queues[binding] ?? Queue()
    if queue.mode == .draining { queue.joined.append(now) } else { queue.arrivals.append(now) }
    if hasRoom { queue.packets.append(Packet(number: number, arrived: now, holding: holding)) }
    queues[binding] = queue
    return hasRoom
  }

  mutating func setMode(_ binding: UInt32, _ mode: HandoverMode, now: UInt64) {
    guard var queue = queues[binding], queue.mode != mode else { return }
    switch mode {
    case .draining:
      (queue.left, queue.next, queue.joined) = (0, now, [])
      queue.longest = (queue.packets[0].arrived + limits.timeout - now) / UInt64(queue.packets.count)
    case .waiting: (queue.before, queue.arrivals) = (queue.interval, [])
    case .cancelled:
      // Its binding starts anew.
      cancelled[binding, default: []] += queue.packets
      queues[binding] = nil
      return
    }
    queue.mode = mode
    queues[binding] = queue
  }

  /// When anything is to be done for a binding's first packet.
  func due(_ queue: Queue) -> UInt64 {
    let expiry = queue.packets[0].arrived + limits.timeout
    return switch queue.mode {
    case .waiting: expiry
    // A drain drops nothing: what would be too old at its turn leaves before.
    case .draining, .cancelled: min(expiry, queue.next)
    }
  }

  var nextDeadline: UInt64? { cancelled.isEmpty ? queues.values.map { due($0) }.min() : 0 }

  /// All that is due, by binding.
  mutating func serve(now: UInt64) -> [UInt32: [Fate]] {
    var fates = cancelled.mapValues { $0.map { Fate(number: $0.number, kind: .cancel) } }
    cancelled = [:]
    for binding in queues.keys.sorted() {
      while var queue = queues[binding], due(queue) <= now {
        let packet = queue.packets.removeFirst()
        let kind: HandoverBuffer.Event.Kind = queue.mode == .waiting ? .timeout : .release
        if kind == .release {
          queue.left += 1
          if queue.left >= 5 { queue.next += queue.interval }
        }
        fates[binding, default: []].append(Fate(number: packet.number, kind: kind))
        queues[binding] = queue.packets.isEmpty ? nil : queue
      }
    }
    return fates
  }
}
