import FastPath
import Glibc
import Synchronization

/// The engine at work: takes from the workers' rings, hands it packets and time, sends on what comes out. Owned by the
/// slow path's thread.
struct ExceptionDrain {
  /// Packets taken from one ring before the next one gets its turn.
  private static let batch = 32

  private let path: ExceptionPath
  private(set) var consumers: [PuntRingConsumer]
  private var injection: PuntRing
  private var engine: SlowPathEngine
  private var out: [OriginatedPacket] = []

  init(_ path: ExceptionPath) {
    self.path = path
    consumers = path.rings.map(\.consumer)
    injection = path.injection.producer
    engine = SlowPathEngine(settings: path.settings)
  }

  /// Takes at most one batch from each ring.
  /// - Returns: the number of packets handled.
  mutating func turn() -> Int {
    let now = Self.now
    var handled = 0
    for worker in consumers.indices {
      let count = min(consumers[worker].available(), Self.batch)
      for index in 0..<count {
        // Copied out of the slot, which is released below.
        guard let exception = ExceptionPacket(consumers[worker].packet(index)) else { continue }
        engine.handle(exception, now: now, into: &out)
      }
      if count > 0 { consumers[worker].release(count) }
      handled += count
    }
    let isDue = engine.nextDeadline.map { $0 <= now } ?? false
    guard handled > 0 || isDue else { return 0 }
    engine.advance(to: now, into: &out)
    send()
    return handled
  }

  private mutating func send() {
    for packet in out where !injection.push(packet) { engine.refuse(packet) }
    if !out.isEmpty {
      // Published, fence, mark: see `Worker.prepareToSleep`.
      atomicMemoryFence(ordering: .sequentiallyConsistent)
      injection.ring()
    }
    out.removeAll(keepingCapacity: true)
    _ = engine.takeSettlements()
    for change in engine.takeChanges() { path.tell(change) }
    for notice in engine.takeNotices() { path.tell(notice) }
    path.publish(engine.counters)
  }

  private static var now: UInt64 {
    var time = timespec()
    // Fills a local variable; the monotonic clock always exists.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
