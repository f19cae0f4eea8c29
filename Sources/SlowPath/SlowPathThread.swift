import FastPath
import Glibc
import Synchronization
import SystemPackage

/// The thread that takes what the workers punt or cannot finish: drains all rings, round robin, and sleeps when they are empty.
///
/// Sleeping: it marks every ring as asleep, looks once more, then polls its pipe for at most
/// `PuntRingMemory.longestSleep`. A worker that pushed writes one octet into the pipe at the end of its turn if the mark
/// is set. Mark and position are not ordered by a fence on the worker's side, so a wake-up can be missed; the bounded
/// sleep then delays the packets by those milliseconds at most. An idle daemon pays 100 wake-ups a second for that.
public final class SlowPathThread: Sendable {
  /// What is done with one packet; `worker` is the index of its ring. The octets are valid during the call only.
  public typealias Handler = @Sendable (_ worker: Int, _ packet: PuntedPacket) -> Void

  private let bell: WakePipe
  private let stopping: Atomic<Bool>
  private let thread: Mutex<NamedThread?>
  private let rings: [PuntRingMemory]

  /// Starts draining. The rings are kept alive as long as this object.
  /// - Parameters:
  ///   - exceptions: served by the same thread, between what is for the kernel.
  ///   - own: goes to the workers like what `exceptions` originates; nothing without that.
  /// - Throws: the errno of pipe() or pthread_create().
  public init(
    rings: [PuntRingMemory], exceptions: ExceptionPath? = nil, own: OwnTraffic? = nil, handler: @escaping Handler
  ) throws(Errno) {
    self.rings = rings + (exceptions?.rings ?? [])
    bell = try WakePipe()
    stopping = Atomic(false)
    thread = Mutex(nil)
    for ring in self.rings { ring.setBell(bell.writeEnd) }
    let started = try NamedThread(name: "fp-slowpath") { [self] in
      var drain = RingDrain(
        rings: rings, exceptions: exceptions.map { ExceptionDrain($0, own: own) }, handler: handler)
      while !stopping.load(ordering: .acquiring) {
        if drain.turn() == 0 { drain.sleep(bell) }
      }
      // The workers have stopped by now: what they left is handled, then nothing can come but from the kernel.
      drain.closeOwn()
      while drain.turn() > 0 {}
    }
    thread.withLock { $0 = started }
  }

  /// Handles what is in the rings and ends. Workers must have stopped pushing. Idempotent.
  public func stop() {
    stopping.store(true, ordering: .releasing)
    bell.wake()
    thread.withLock { $0.take() }?.join()
    for ring in rings { ring.setBell(-1) }
  }
}

/// The consumer's side of all rings, owned by the slow path thread.
private struct RingDrain {
  /// Packets taken from one ring before the next one gets its turn.
  private static let batch = 64

  private var consumers: [PuntRingConsumer]
  private var exceptions: ExceptionDrain?
  private let handler: SlowPathThread.Handler

  init(rings: [PuntRingMemory], exceptions: ExceptionDrain?, handler: @escaping SlowPathThread.Handler) {
    consumers = rings.map(\.consumer)
    self.exceptions = exceptions
    self.handler = handler
  }

  /// Takes at most one batch from each ring.
  /// - Returns: the number of packets handled.
  mutating func turn() -> Int {
    var handled = 0
    for worker in consumers.indices {
      let count = min(consumers[worker].available(), Self.batch)
      // Released only after the handler is done with the octets.
      for index in 0..<count { handler(worker, consumers[worker].packet(index)) }
      if count > 0 { consumers[worker].release(count) }
      handled += count
    }
    return handled + (exceptions?.turn() ?? 0)
  }

  mutating func closeOwn() { exceptions?.closeOwn() }

  mutating func sleep(_ bell: borrowing WakePipe) {
    let consumers = consumers + (exceptions?.consumers ?? [])
    for consumer in consumers { consumer.setAsleep(true) }
    if consumers.allSatisfy({ $0.available() == 0 }) {
      var descriptors = (
        pollfd(fd: bell.readEnd, events: Int16(POLLIN), revents: 0),
        pollfd(fd: exceptions?.ownDescriptor() ?? -1, events: Int16(POLLIN), revents: 0)
      )
      unsafe withUnsafeMutableBytes(of: &descriptors) {
        // Two pollfd side by side are the array of two that poll() expects; an error or a signal only makes the caller look
        // at the rings again.
        _ = unsafe poll($0.baseAddress?.assumingMemoryBound(to: pollfd.self), 2, PuntRingMemory.longestSleep)
      }
    }
    for consumer in consumers { consumer.setAsleep(false) }
    bell.drain()
  }
}
