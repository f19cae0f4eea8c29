import Assembly
import ControlPlane
import FastPath
import FlowTable
import Glibc
import Logging
import SlowPath
import SystemPackage

/// The running plane, assembled in the order of ARCHITECTURE: tables, program and maps, sockets, workers, kernel
/// following, attach, control socket. Stop is the reverse and ends with the audit of frames; only the control socket
/// goes together with the writer behind it, right after the program is detached.
///
/// Confined to the main thread.
final class Daemon {
  /// Workers take what is in their receive rings before they are stopped: far longer than a turn.
  private static let settlingTime: UInt32 = 20_000

  private let logger: Logger
  private let inherited: InheritedSocket?
  private let teardown = Teardown()
  private var status: StatusProvider?
  private var audits: [FrameAudit] = []

  /// Sets everything up; on failure, what was set up is undone and nothing of it stays.
  /// - Parameter inherited: the service manager's control socket, if it passed one.
  init(_ configuration: DaemonConfiguration, inherited: InheritedSocket?, logger: Logger) throws(ExitFailure) {
    self.logger = logger
    self.inherited = inherited
    do throws(ExitFailure) {
      try start(configuration)
    } catch {
      teardown.run()
      throw error
    }
  }

  /// Once a second: keeps the rates.
  func tick() { status?.sample() }

  /// Detaches, ends the workers and closes everything.
  /// - Throws: status 3 if a frame got lost between the rings: a defect.
  func stop() throws(ExitFailure) {
    teardown.run()
    for (worker, audit) in audits.enumerated() {
      let facts: Logger.Metadata = [
        "worker": "\(worker)", "total": "\(audit.total)", "free": "\(audit.free)", "fill": "\(audit.inFill)",
        "transmit": "\(audit.inTransmit)",
      ]
      logger.log(level: audit.isBalanced ? .notice : .critical, "frame audit", metadata: facts)
    }
    if audits.contains(where: { !$0.isBalanced }) {
      throw .internal("fastpathd: frames were lost between the rings (see the frame audit); please report this")
    }
    logger.notice("stopped")
  }

  private func start(_ configuration: DaemonConfiguration) throws(ExitFailure) {
    let ports = try PortSetup.inspect(configuration)
    var warnings = ports.flatMap(OffloadSurvey.warnings)
    var live = try PlaneAssembly.live(configuration, ports)
    // Of a longer list, as of `auto`, which is every CPU, only as many have a worker as there are queues.
    let workersCPUs = live.cpus.map { Array($0.prefix(live.queues)) }
    let isRoomLeft = ThreadPlacement.leave(workersCPUs, logger: logger)
    live.hasOwnCPUs = isRoomLeft && workersCPUs.map { Set($0).count == live.queues } == true
    let table = try makeTable(workers: live.queues)
    let program = try loadProgram(live.settings, ports)
    let plane = try openPlane(live, table, program)
    warnings += BusyPollSurvey.warnings(ports, plane.sockets)
    let exceptions = try openExceptionPath(configuration, plane)
    let injector = try startSlowPath(plane, exceptions, pools: configuration.pools)
    warnings += PoolRoutes.add(configuration.pools, to: injector)
    for warning in warnings { logger.warning("\(warning)") }
    try startWorkers(plane, exceptions)
    let following = KernelFollowing(logger: logger)
    let status = StatusProvider(
      warnings: warnings, ports: ports, plane: plane, program: program, injector: injector, exceptions: exceptions,
      follower: following)
    self.status = status
    let service = try makeService(configuration, ports, table, program, status, following)
    exceptions.listen { service.setPathMTU(of: $0.tunnel, octets: $0.mtu) }
    exceptions.listenToNotices { service.tell(TrafficReport($0)) }
    if configuration.kernelSync {
      try following.start { events in for event in events { service.handle(event) } }
      teardown.add { following.stop() }
      // With a large snapshot the writer has much to do before; packets that come earlier would find no route.
      service.awaitHandled()
    }
    try attach(program, ports, isGeneric: live.mode == .generic)
    try open(service)
  }

  private func makeTable(workers: Int) throws(ExitFailure) -> FlowTable {
    do throws(FlowTableError) {
      return try FlowTable(limits: FlowTableLimits(workers: workers))
    } catch {
      throw .environment("fastpathd: no address space for the tables: \(error); raise the limit on virtual memory")
    }
  }

  private func loadProgram(_ settings: PlaneSettings, _ ports: [PortFacts]) throws(ExitFailure) -> SteeringProgram {
    let program = try SteeringProgram()
    teardown.add { program.close() }
    try program.configure(settings, ports)
    return program
  }

  private func openPlane(
    _ live: LiveConfiguration, _ table: FlowTable, _ program: SteeringProgram
  ) throws(ExitFailure) -> LivePlane {
    let plane: LivePlane
    do throws(PlaneError) {
      plane = try LivePlane(configuration: live, table: table)
    } catch {
      throw .environment("fastpathd: \(error)\(Self.remedy(error))")
    }
    try program.connect(plane.sockets)
    return plane
  }

  /// What usually stands in the way of a socket; an MTU that is too large says it itself.
  private static func remedy(_ error: PlaneError) -> String {
    guard case .environment(_, let code) = error else { return "" }
    return switch code {
    case EBUSY: "; another program (a second fastpathd?) has this queue: stop it"
    case EOPNOTSUPP, EINVAL: "; the driver does not have this mode: set `mode: auto`"
    case ENOMEM, ENOBUFS: "; free memory, or raise this process's limits"
    default: "; see the kernel's log"
    }
  }

  private func openExceptionPath(
    _ configuration: DaemonConfiguration, _ plane: LivePlane
  ) throws(ExitFailure) -> ExceptionPath {
    let settings = SlowPathSettings(configuration: configuration, plane: plane.configuration.settings)
    do throws(Errno) {
      return try ExceptionPath(
        rings: plane.exceptionRings, injection: plane.injectionRing, handover: plane.handoverRings, settings: settings)
    } catch {
      throw .internal("fastpathd: the exception path cannot start: \(error)")
    }
  }

  private func startSlowPath(
    _ plane: LivePlane, _ exceptions: ExceptionPath, pools: [Prefix]
  ) throws(ExitFailure) -> KernelInjector {
    let injector: KernelInjector
    do throws(InjectionError) {
      injector = try KernelInjector()
    } catch {
      throw .environment("fastpathd: \(error)")
    }
    do throws(Errno) {
      // The octets are handed on within the call, while the slot is still held.
      let localAddresses = plane.configuration.settings.localAddresses
      let own = pools.isEmpty ? nil : OwnTraffic(of: injector, pools: pools, localAddresses: localAddresses)
      let thread = try SlowPathThread(rings: plane.kernelRings, exceptions: exceptions, own: own) { _, packet in
        unsafe injector.inject(packet.octets)
      }
      teardown.add { thread.stop() }
    } catch {
      throw .internal("fastpathd: the slow path cannot start: \(error)")
    }
    return injector
  }

  private func startWorkers(_ plane: LivePlane, _ exceptions: ExceptionPath) throws(ExitFailure) {
    teardown.add { [self] in
      usleep(Self.settlingTime)
      audits = plane.stop()
    }
    do throws(PlaneError) {
      try plane.start(bell: exceptions.bellDescriptor)
    } catch {
      throw .internal("fastpathd: \(error)")
    }
  }

  private func makeService(
    _ configuration: DaemonConfiguration, _ ports: [PortFacts], _ table: FlowTable, _ program: SteeringProgram,
    _ status: StatusProvider, _ following: KernelFollowing
  ) throws(ExitFailure) -> TableService {
    let resolve: @Sendable (ResolutionRequest) -> Void = { following.ask($0) }
    let service: TableService
    do throws(FlowTableError) {
      service = try TableService(
        configuration: configuration, interfaces: PlaneAssembly.interfaces(ports), table: table, steering: program,
        statusSource: status, software: "fastpathd \(FastpathDaemon.version)", inherited: inherited,
        requestResolution: configuration.kernelSync ? resolve : nil,
        logger: Logger(label: "control"))
    } catch {
      throw .internal("fastpathd: no memory for the tables' writer: \(error)")
    }
    teardown.add { service.stop() }
    service.loadSnapshot()
    do throws(ControlSocketError) {
      try service.startWriter()
    } catch {
      throw .internal("fastpathd: \(error)")
    }
    return service
  }

  private func attach(_ program: SteeringProgram, _ ports: [PortFacts], isGeneric: Bool) throws(ExitFailure) {
    for port in ports {
      try program.attach(port, isGeneric: isGeneric)
      teardown.add { [logger] in
        let status = program.detach(port)
        if status < 0 {
          logger.error("cannot detach", metadata: ["interface": "\(port.interface)", "errno": "\(-status)"])
        }
      }
    }
  }

  private func open(_ service: TableService) throws(ExitFailure) {
    do throws(MetricsListenError) {
      try service.openMetrics()
    } catch {
      throw .environment("fastpathd: \(error)")
    }
    do throws(ControlSocketError) {
      try service.open()
    } catch {
      throw .environment("fastpathd: \(error)")
    }
  }
}
