import FlowTable
import Logging
import NIOCore

/// Everything the writer thread owns, and its recurring work. Confined to the writer's event loop.
final class WriterCore {
  /// While something waits for a grace period: a worker's turn is well below this.
  private static let busyPeriod: Int64 = 5_000_000
  private static let quiescePeriod: Int64 = 1_000_000
  private static let idlePeriod: Int64 = 100_000_000
  /// Items of the retire queue freed in a turn, half a millisecond of work: an update does not wait for the rest.
  private static let reclaimedInTurn = 8192
  /// An acknowledgement that no worker's progress has earned by then is refused (and the worker is named in the log).
  private static let quiesceTimeout: UInt64 = 5_000_000_000

  private struct Waiter {
    let generation: UInt64
    let deadline: UInt64
    let finish: (Bool) -> Void
  }

  let registry: Registry
  let resolver: NextHopResolver
  let writer: TableWriter
  let clock: @Sendable () -> UInt64
  let auditor: TableAuditor
  let hub: EventHub
  let capacities: FlowTableLimits
  /// Names of the ports, for events.
  private let ports: [String]
  private var fill = TableFill()
  /// Nil without `control.snapshot`.
  var keeper: SnapshotKeeper?
  private(set) var watch = WorkerWatch()
  let loop: any EventLoop
  private let logger: Logger
  private var waiters: [Waiter] = []
  private var timer: Scheduled<Void>?
  /// When the timer is due, in nanoseconds of the clock.
  private var nextTurn: UInt64 = 0
  private var isStopped = false
  private var reportedError: FlowTableError?

  init(
    registry: Registry, resolver: NextHopResolver, writer: TableWriter, ports: [String], capacities: FlowTableLimits,
    loop: any EventLoop, clock: @escaping @Sendable () -> UInt64, logger: Logger
  ) {
    self.registry = registry
    self.resolver = resolver
    self.writer = writer
    self.loop = loop
    self.clock = clock
    auditor = TableAuditor(writer: writer, clock: clock, logger: logger)
    self.logger = logger
    self.ports = ports
    self.capacities = capacities
    hub = EventHub(loop: loop, clock: clock)
    resolver.neighborLost = { [hub] port, address in
      hub.publish(.neighborLost, .neighborLost(address, port: ports[Int(port)]))
    }
    resolver.linkChanged = { [hub] port, isUp in hub.publish(.port, .link(port: ports[Int(port)], isUp: isUp)) }
  }

  /// First work of the writer: the static routes, then the recurring turn.
  func start() {
    resolver.settle()
    keeper?.start()
    turn()
  }

  func stop() {
    isStopped = true
    keeper?.stop()
    timer?.cancel()
    for waiter in waiters { waiter.finish(false) }
    waiters.removeAll()
  }

  func handle(_ events: ArraySlice<KernelEvent>) {
    resolver.handle(events)
    reportResolver()
    tellEvents()
  }

  func setPathMTU(of tunnel: TunnelEndpoints, octets: Int?) {
    registry.setPathMTU(of: tunnel, octets: octets)
    tellEvents()
  }

  /// Traffic that somebody may want to act on; its rate is limited where it is noticed.
  func tell(_ report: TrafficReport) {
    guard ports.indices.contains(Int(report.port)) else { return }
    let event = DaemonEvent.traffic(report, port: ports[Int(report.port)])
    hub.publish(event.kind, event)
  }

  /// Tells subscribers what a slice of a request has brought about.
  func tellChanges(by owner: UInt32) {
    if let log = registry.changeLog.take() {
      if log.count > ChangeLog.limit {
        hub.publish(.bulk, by: owner, .bulk(log.operation, owner: owner, count: log.count))
      } else {
        for change in log.changes { hub.publish(.changed, by: owner, .changed(change, owner: owner)) }
      }
    }
    tellEvents()
  }

  private func tellEvents() {
    for event in registry.takeEvents() { report(event) }
    for (size, isNearlyFull) in fill.look(registry.sizes(capacities)) {
      hub.publish(.tableNearlyFull, .tableFill(size, isNearlyFull: isNearlyFull))
      let facts: Logger.Metadata = [
        "table": "\(size.table.name)", "entries": "\(size.entries)", "capacity": "\(size.capacity)",
      ]
      if isNearlyFull {
        logger.warning("a table is nearly full", metadata: facts)
      } else {
        logger.notice("a table has room again", metadata: facts)
      }
    }
  }

  /// Calls `finish` when no packet uses anything older than `generation` any more; false when a worker does not move.
  func whenQuiesced(_ generation: UInt64, finish: @escaping (Bool) -> Void) {
    guard !writer.isQuiesced(generation) else { return finish(true) }
    guard !isStopped else { return finish(false) }
    waiters.append(Waiter(generation: generation, deadline: clock() &+ Self.quiesceTimeout, finish: finish))
    arm(after: Self.quiescePeriod)
  }

  /// A request may have begun what must be looked at before the timer is due.
  func lookSooner() {
    guard let deadline = registry.nextDeadline, deadline < nextTurn else { return }
    let now = clock()
    arm(after: Int64(clamping: max(deadline, now) - now) + 1)
  }

  private func turn() {
    let now = clock()
    let expired = registry.tick(now: now)
    for binding in expired {
      logger.debug(
        "binding ended", metadata: ["prefix": "\(binding.key.prefix)", "cause": "\(binding.cause)"])
      hub.publish(.expired, .expired(binding))
    }
    resolver.tick(now: now)
    reportResolver()
    tellEvents()
    let isMoreToFree = writer.reclaim(limit: Self.reclaimedInTurn)
    watchWorkers(now)
    auditor.advanceIfRunning()
    checkWaiters(now)
    arm(after: period(now, moreDue: !expired.isEmpty || isMoreToFree))
  }

  /// Says when a worker has stopped, and when it goes on.
  private func watchWorkers(_ now: UInt64) {
    let lagging = writer.statistics.laggingWorkers.map { ($0, writer.reportedGeneration(by: $0)) }
    guard watch.look(lagging, now: now) else { return }
    if watch.stuck.isEmpty {
      logger.notice("all workers move again")
    } else {
      let facts: Logger.Metadata = ["workers": "\(watch.stuck)", "retired": "\(writer.statistics.retired)"]
      logger.error("workers do not move: nothing replaced is freed until they do", metadata: facts)
    }
  }

  private func checkWaiters(_ now: UInt64) {
    guard !waiters.isEmpty else { return }
    let looked = waiters.map { (waiter: $0, isQuiesced: writer.isQuiesced($0.generation)) }
    // Before anybody is told, who may wait for more.
    waiters = looked.lazy.filter { !$0.isQuiesced && $0.waiter.deadline > now }.map(\.waiter)
    for (waiter, isQuiesced) in looked where isQuiesced || waiter.deadline <= now {
      if !isQuiesced {
        logger.error(
          "a worker holds up the grace period",
          metadata: ["generation": "\(waiter.generation)", "workers": "\(writer.statistics.laggingWorkers)"])
      }
      waiter.finish(isQuiesced)
    }
  }

  private func period(_ now: UInt64, moreDue: Bool) -> Int64 {
    if moreDue || !waiters.isEmpty { return Self.quiescePeriod }
    if writer.statistics.retired > 0 { return Self.busyPeriod }
    guard let deadline = registry.nextDeadline else { return Self.idlePeriod }
    return min(Self.idlePeriod, Int64(clamping: max(deadline, now) - now) + 1)
  }

  private func arm(after nanoseconds: Int64) {
    timer?.cancel()
    guard !isStopped else { return }
    nextTurn = clock() &+ UInt64(nanoseconds)
    timer = loop.assumeIsolated().scheduleTask(in: .nanoseconds(nanoseconds)) { self.turn() }
  }

  private func report(_ event: RegistryEvent) {
    let told = DaemonEvent.registry(event)
    hub.publish(told.kind, told)
    switch event {
    case .routeExpired(let from, let to):
      logger.debug("localized route ended", metadata: ["from": "\(from)", "to": "\(to)"])
    case .flushed(let key, _): logger.debug("flush ended", metadata: ["prefix": "\(key.prefix)"])
    case .peer(let address, isFailed: true):
      logger.notice("peer failed: its tunnels carry nothing", metadata: ["remote": "\(address)"])
    case .peer(let address, isFailed: false): logger.notice("peer is alive again", metadata: ["remote": "\(address)"])
    case .pathMTU(let tunnel, let octets):
      // A port's new MTU is one for each tunnel behind it.
      let facts: Logger.Metadata = ["local": "\(tunnel.local)", "remote": "\(tunnel.remote)", "mtu": "\(octets)"]
      logger.debug("MTU of a tunnel", metadata: facts)
    }
  }

  private func reportResolver() {
    guard resolver.pendingError != reportedError else { return }
    reportedError = resolver.pendingError
    if let error = reportedError {
      logger.error("routes cannot all be mirrored", metadata: ["reason": "\(error)"])
    } else {
      logger.notice("routes are mirrored again")
    }
  }
}
