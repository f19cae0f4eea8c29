import ControlProtocol
import Dispatch
import Logging
import NIOCore
import Synchronization

/// Writes a snapshot of the tables every few seconds while they change. Confined to the writer's loop, but for the file,
/// which a queue of its own writes: never more than one slice of records is on its way there.
final class SnapshotKeeper {
  /// From the end of one snapshot to the beginning of the next.
  private static let period = TimeAmount.seconds(5)
  /// Half a millisecond of the writer's time.
  private static let sliceRecords = 1024
  /// Rest after a slice, as a multiple of the time it took: at most a fifth of the writer's time.
  private static let restFactor: UInt64 = 4
  /// What the last snapshot may take of the two seconds that a stop has, in nanoseconds.
  private static let lastTime: UInt64 = 1_200_000_000

  private let path: String
  private let registry: Registry
  private let loop: any EventLoop
  private let clock: @Sendable () -> UInt64
  private let header: () -> SnapshotHeader
  private let logger: Logger
  private let queue = DispatchQueue(label: "fastpath.snapshot")
  private var timer: Scheduled<Void>?
  /// Of the tables in the file.
  private var savedGeneration: UInt64
  /// Something was said that changes owners or marks alone.
  private var hasNews = false
  /// The one that is being written.
  private var underWay: SnapshotWriter?
  private var isStarted = false
  private var isStopped = false
  private var lastFailure: String?

  init(
    path: String, registry: Registry, loop: any EventLoop, clock: @escaping @Sendable () -> UInt64,
    header: @escaping () -> SnapshotHeader, logger: Logger
  ) {
    self.path = path
    self.registry = registry
    self.loop = loop
    self.clock = clock
    self.header = header
    self.logger = logger
    savedGeneration = registry.generation
  }

  /// What is in the tables now came from the file, or is nothing.
  func start() {
    isStarted = true
    savedGeneration = registry.generation
    arm()
  }

  /// Ends it with a last snapshot, if there is anything new. Nothing is changed in the tables any more, and this thread has
  /// nothing else to do.
  func stop() {
    timer?.cancel()
    guard isStarted, !isStopped else { return }
    isStopped = true
    guard underWay != nil || hasNews || registry.generation != savedGeneration else { return }
    let deadline = clock() &+ Self.lastTime
    do {
      guard try writeLast(until: deadline) else {
        return logger.warning(
          "the last snapshot is given up, since a stop may not take as long: the one before stays",
          metadata: ["path": "\(path)"])
      }
    } catch {
      logger.error(
        "the last snapshot cannot be written: the one before stays",
        metadata: ["path": "\(path)", "reason": "\(error)"])
    }
  }

  /// - Returns: false when the time is over.
  private func writeLast(until deadline: UInt64) throws -> Bool {
    // What was under way would lack what has changed since; its last slice may still be on its way to the file.
    guard try wait(until: deadline, for: {}) != nil else { return false }
    underWay?.abandon()
    underWay = nil
    let writer = try SnapshotWriter(path: path, header: header())
    var request = DumpRequest()
    while let (slice, owners) = registry.ownedDump(request, limit: Self.sliceRecords, now: clock()) {
      guard clock() < deadline else { return false }
      guard !slice.records.isEmpty else { break }
      try writer.add(slice.records, owners: owners)
      request.cookie = slice.cookie
    }
    return try wait(until: deadline, for: { try writer.finish() }) != nil
  }

  /// Does something on the queue; nil when that takes too long.
  private func wait(until deadline: UInt64, for work: @escaping @Sendable () throws -> Void) throws -> Void? {
    let isDone = DispatchSemaphore(value: 0)
    let result = Mutex<Result<Void, any Error>?>(nil)
    queue.async {
      let outcome = Result(catching: work)
      result.withLock { $0 = outcome }
      isDone.signal()
    }
    let now = clock()
    let left = DispatchTimeInterval.nanoseconds(Int(clamping: deadline > now ? deadline - now : 0))
    guard isDone.wait(timeout: .now() + left) == .success else { return nil }
    return try result.withLock { $0 }?.get()
  }

  /// A request may have changed whose entries there are.
  func note() { hasNews = true }

  private func arm() {
    guard !isStopped else { return }
    timer = loop.assumeIsolated().scheduleTask(in: Self.period) { self.begin() }
  }

  private func begin() {
    guard hasNews || registry.generation != savedGeneration else { return arm() }
    hasNews = false
    savedGeneration = registry.generation
    let (path, header) = (path, header())
    onQueue({ try SnapshotWriter(path: path, header: header) }) { writer in
      self.underWay = writer
      self.goOn(writer, cookie: 0)
    }
  }

  private func goOn(_ writer: SnapshotWriter, cookie: UInt64) {
    let start = clock()
    guard !isStopped,
      let (slice, owners) = registry.ownedDump(DumpRequest(cookie: cookie), limit: Self.sliceRecords, now: start)
    else { return }
    guard !slice.records.isEmpty else {
      return onQueue({ try writer.finish() }) { _ in
        self.underWay = nil
        self.lastFailure = nil
        self.arm()
      }
    }
    let rest = (clock() &- start) &* Self.restFactor
    let records = slice.records
    onQueue({ try writer.add(records, owners: owners) }) { _ in
      let pause = TimeAmount.nanoseconds(Int64(clamping: rest))
      self.timer = self.loop.assumeIsolated().scheduleTask(in: pause) { self.goOn(writer, cookie: slice.cookie) }
    }
  }

  /// Does something slow on the queue, then goes on here with its result; a failure ends this snapshot.
  private func onQueue<Value: Sendable>(
    _ work: @escaping @Sendable () throws -> Value, then next: @escaping (Value) -> Void
  ) {
    let promise = loop.makePromise(of: Value.self)
    promise.futureResult.assumeIsolated().whenComplete { result in
      guard !self.isStopped else { return }
      switch result {
      case .success(let value): next(value)
      case .failure(let error): self.fail("\(error)")
      }
    }
    queue.async { promise.completeWith(Result(catching: work)) }
  }

  /// Says it once for each reason; the next one is tried in time.
  private func fail(_ reason: String) {
    hasNews = true
    underWay = nil
    if reason != lastFailure {
      logger.error(
        """
        the snapshot cannot be written: it is tried again every 5 s, and the one before stays; its directory must exist, \
        be writable for the daemon's user and have room
        """, metadata: ["path": "\(path)", "reason": "\(reason)"])
    }
    lastFailure = reason
    arm()
  }
}
