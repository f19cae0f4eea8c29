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
  private var own: OwnTraffic?

  init(_ path: ExceptionPath, own: OwnTraffic?) {
    self.path = path
    self.own = own
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
    handled += takeOwn()
    let isDue = engine.nextDeadline.map { $0 <= now } ?? false
    guard handled > 0 || isDue else { return 0 }
    engine.advance(to: now, into: &out)
    send()
    return handled
  }

  /// At most one batch of this host's own packets. While the ring towards the worker is half full they wait in the device's
  /// queue, which drops when full: fragments and answers come from packets that have waited already.
  private mutating func takeOwn() -> Int {
    guard own != nil, injection.isHalfFree() else { return 0 }
    for taken in 0..<Self.batch {
      switch own?.read() {
      case .packet(let packet): engine.send(packet, into: &out)
      case .other: continue
      case .gone:
        own = nil
        return taken
      case .nothing, nil: return taken
      }
    }
    return Self.batch
  }

  /// What to poll for more of them; -1, which is never ready, while they could not be taken.
  mutating func ownDescriptor() -> Int32 {
    guard let own, injection.isHalfFree() else { return -1 }
    return own.descriptor
  }

  /// Takes no more of them: the workers have stopped.
  mutating func closeOwn() { own = nil }

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
