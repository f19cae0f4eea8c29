import ControlProtocol
import Dispatch
import Logging
import NIOCore

/// Writes a snapshot of the tables every few seconds while they change. Confined to the writer's loop, but for the file,
/// which a queue of its own writes: never more than one slice of records is on its way there.
final class SnapshotKeeper {
  /// From the end of one snapshot to the beginning of the next.
  private static let period = TimeAmount.seconds(5)
  /// Half a millisecond of the writer's time.
  private static let sliceRecords = 1024
  /// Rest after a slice, as a multiple of the time it took: at most a fifth of the writer's time.
  private static let restFactor: UInt64 = 4

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

  func start() { arm() }

  func stop() {
    isStopped = true
    timer?.cancel()
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
    onQueue({ try SnapshotWriter(path: path, header: header) }) { self.goOn($0, cookie: 0) }
  }

  private func goOn(_ writer: SnapshotWriter, cookie: UInt64) {
    let start = clock()
    guard !isStopped,
      let (slice, owners) = registry.ownedDump(DumpRequest(cookie: cookie), limit: Self.sliceRecords, now: start)
    else { return }
    guard !slice.records.isEmpty else {
      return onQueue({ try writer.finish() }) { _ in
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
    if reason != lastFailure {
      logger.error("the snapshot cannot be written", metadata: ["path": "\(path)", "reason": "\(reason)"])
    }
    lastFailure = reason
    arm()
  }
}
