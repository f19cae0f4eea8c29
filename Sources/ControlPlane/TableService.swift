import ControlProtocol
import FlowTable
import Foundation
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The live control plane: the writer's thread with registry, resolver and control socket.
///
/// Start: `start()` after the workers' tables exist and before or after the workers run; the control socket comes last in
/// the daemon's start order. Stop is the reverse. `handle` may be called from any thread at any time.
public final class TableService: Sendable {
  /// Kernel events taken in before requests and timers get their turn again.
  private static let eventsPerSlice = 4096

  private let writerGroup: MultiThreadedEventLoopGroup
  private let loop: any EventLoop
  private let room: NIOLoopBoundBox<WriterRoom>
  private let server: ControlServer
  private let metrics: (server: MetricsServer, address: DaemonConfiguration.Metrics)?
  private let snapshot: (path: String, role: HelloReply.Role)?
  private let events = Mutex(EventQueue())
  private let logger: Logger

  private struct EventQueue {
    var waiting: [KernelEvent] = []
    /// The writer's loop is at it, or will be; one drain at a time keeps the order.
    var isDraining = false
    /// How many have come, and how many of them the tables show.
    var received = 0
    var settled = 0
  }

  /// - Parameters:
  ///   - interfaces: one for each configured port, in order.
  ///   - table: its one writer is made here.
  ///   - steering: required at a MAG; called on the writer's thread only.
  ///   - software: name and version for HELLO and STATUS.
  ///   - requestResolution: asks the kernel for a neighbour; called on the writer's thread, must not wait.
  ///   - inherited: the service manager's socket, used instead of the configured one.
  ///   - clock: monotonic nanoseconds.
  public init(
    configuration: DaemonConfiguration, interfaces: [PortInterface], table: FlowTable,
    steering: sending (any SteeringTable)?, statusSource: any StatusSource, software: String,
    inherited: InheritedSocket? = nil, limits: Limits = .standard,
    requestResolution: (@Sendable (ResolutionRequest) -> Void)?, logger: Logger,
    clock: @escaping @Sendable () -> UInt64 = { NIODeadline.now().uptimeNanoseconds }
  ) throws(FlowTableError) {
    self.logger = logger
    writerGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = writerGroup.next()
    self.loop = loop
    let writer = try table.makeWriter()
    let resolver = NextHopResolver(
      configuration: configuration, interfaces: interfaces, writer: writer, requestResolution: requestResolution)
    let registry = Registry(configuration: configuration, writer: writer, resolver: resolver, steering: steering)
    let core = WriterCore(
      registry: registry, resolver: resolver, writer: writer, ports: configuration.ports.map(\.name),
      capacities: table.limits, loop: loop, clock: clock, logger: logger)
    var randomness = SystemRandomNumberGenerator()
    let identity = ServiceIdentity(software: software, startedAt: clock(), randomness: &randomness)
    let role: HelloReply.Role = configuration.role == .localMobilityAnchor ? .lma : .mag
    snapshot = configuration.control.snapshot.map { (path: $0, role: role) }
    core.keeper = configuration.control.snapshot.map { path in
      SnapshotKeeper(
        path: path, registry: registry, loop: loop, clock: clock,
        header: { SnapshotHeader(role: role, boot: identity.bootID, time: Self.wallTime) }, logger: logger)
    }
    let trips = LoopTrips(loop: loop)
    let responder = RequestResponder(
      core: core, configuration: configuration, source: statusSource, identity: identity, limits: limits)
    // Confined to the writer's loop from here on.
    let room = NIOLoopBoundBox.makeBoxSendingValue(
      WriterRoom(core: core, trips: trips, scheduler: RequestScheduler(responder: responder, trips: trips)),
      eventLoop: loop)
    self.room = room
    let file = ControlSocket(path: configuration.control.socket, group: configuration.control.group)
    server = ControlServer(
      source: inherited.map(ListenerSource.inherited) ?? .file(file), limits: limits, loop: loop, logger: logger,
      submit: { room.value.scheduler.enqueue($1, from: $0, atOnce: $2) },
      disconnected: { room.value.scheduler.disconnect($0) })
    metrics = configuration.metrics.map { address in
      let server = MetricsServer(logger: logger) { Self.sample(room, on: loop) }
      return (server, address)
    }
  }

  /// All counters, gathered in slices so that no update waits for the names of many tunnels.
  private static func sample(
    _ room: NIOLoopBoundBox<WriterRoom>, on loop: any EventLoop
  ) -> EventLoopFuture<MetricsSample> {
    let promise = loop.makePromise(of: MetricsSample.self)
    @Sendable func goOn(_ pages: CounterPages, _ items: [CounterItem]) {
      var (pages, items) = (pages, items)
      let responder = room.value.scheduler.responder
      items += responder.nextPage(&pages)
      guard pages.isAtEnd else { return room.value.trips.next { [pages, items] in goOn(pages, items) } }
      promise.succeed(MetricsSample(items: items, gauges: responder.gauges))
    }
    loop.execute { goOn(CounterPages(isComplete: true), []) }
    return promise.futureResult
  }

  /// Nanoseconds since 1970.
  private static var wallTime: UInt64 { UInt64(max(0, Date().timeIntervalSince1970) * 1e9) }

  /// Brings the tables up from the configured snapshot, if there is one; returns when they forward. To be called before
  /// the writer's work begins.
  public func loadSnapshot() {
    guard let snapshot else { return }
    do {
      try loop.submit { [room, logger] in
        let core = room.value.core
        SnapshotLoading(
          path: snapshot.path, registry: core.registry, role: snapshot.role, logger: logger, now: core.clock(),
          wallTime: Self.wallTime
        ).run()
      }.wait()
    } catch {
      logger.error(
        "the control thread has ended: the snapshot is not loaded; start the daemon again and report this",
        metadata: ["reason": "\(error)"])
    }
  }

  /// Begins the writer's work.
  public func startWriter() throws(ControlSocketError) {
    do {
      try loop.flatSubmit { [room] in room.value.trips.open() }.wait()
    } catch {
      throw ControlSocketError(
        path: server.path, reason: "its loop has no pipe: \(error); allow more open files (RLIMIT_NOFILE)")
    }
    loop.execute { [room] in room.value.core.start() }
  }

  /// Begins to serve metrics, if configured.
  public func openMetrics() throws(MetricsListenError) {
    guard let metrics else { return }
    try metrics.server.start(host: "\(metrics.address.address)", port: metrics.address.port)
  }

  /// Opens the control socket: the last step of a start.
  public func open() throws(ControlSocketError) { try server.start() }

  /// Begins the writer's work and opens the control socket.
  public func start() throws(ControlSocketError) {
    loadSnapshot()
    try startWriter()
    try open()
  }

  /// Closes the socket, ends the writer's work and its thread. What is in the forwarding table stays.
  public func stop() {
    // First, so that nothing is executed or told while connections end.
    do {
      try loop.submit { [room] in room.value.scheduler.stop() }.wait()
    } catch {
      logger.error(
        "the control thread has ended before the requests: the snapshot may lack the last ones; report this",
        metadata: ["reason": "\(error)"])
    }
    server.stop()
    metrics?.server.stop()
    do {
      try loop.submit { [room] in room.value.core.stop() }.wait()
      try writerGroup.syncShutdownGracefully()
    } catch {
      logger.error(
        "the control thread did not end; the process ends without it: report this", metadata: ["reason": "\(error)"])
    }
  }

  /// What is known of a tunnel's path has changed; from any thread.
  /// - Parameter octets: of the largest packet that it takes; nil when nothing is known beyond the egress port's MTU.
  public func setPathMTU(of tunnel: TunnelEndpoints, octets: Int?) {
    loop.execute { [room] in room.value.core.setPathMTU(of: tunnel, octets: octets) }
  }

  /// Traffic that subscribers may want to act on; from any thread, at a bearable rate.
  public func tell(_ report: TrafficReport) {
    loop.execute { [room] in room.value.core.tell(report) }
  }

  /// Takes in what the kernel said, in order, from any thread.
  public func handle(_ event: KernelEvent) {
    let begins = events.withLock { queue in
      queue.waiting.append(event)
      queue.received += 1
      defer { queue.isDraining = true }
      return !queue.isDraining
    }
    if begins { loop.execute { self.drain([]) } }
  }

  /// Returns when the tables show everything that `handle` was given before. Not to be called on the writer's loop.
  ///
  /// Until then packets have no route, or an old one: who tells others that it forwards waits for it first.
  public func awaitHandled() {
    let wanted = events.withLock { $0.received }
    do {
      // One slice a trip.
      while events.withLock({ $0.settled < wanted }) { try nextTrip().wait() }
    } catch {
      logger.error(
        "the control thread has ended: routes may be missing; start the daemon again and report this",
        metadata: ["reason": "\(error)"])
    }
  }

  private func nextTrip() -> EventLoopFuture<Void> {
    let promise = loop.makePromise(of: Void.self)
    loop.execute { [room] in room.value.trips.next { promise.succeed() } }
    return promise.futureResult
  }

  /// Hands events on in slices, so that a full dump of the kernel's routes never holds up an update for long.
  private func drain(_ taken: ArraySlice<KernelEvent>) {
    var taken = taken
    if taken.isEmpty {
      taken = events.withLock { queue in
        defer { queue.waiting = [] }
        queue.isDraining = !queue.waiting.isEmpty
        return queue.waiting[...]
      }
    }
    guard !taken.isEmpty else { return }
    let slice = taken.prefix(Self.eventsPerSlice)
    room.value.core.handle(slice)
    events.withLock { $0.settled += slice.count }
    let rest = taken.dropFirst(Self.eventsPerSlice)
    room.value.trips.next { self.drain(rest) }
  }
}

/// What only the writer's loop may touch.
final class WriterRoom {
  let core: WriterCore
  let trips: LoopTrips
  let scheduler: RequestScheduler

  init(core: WriterCore, trips: LoopTrips, scheduler: RequestScheduler) {
    self.core = core
    self.trips = trips
    self.scheduler = scheduler
  }
}
