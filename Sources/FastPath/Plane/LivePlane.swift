import CXdp
import FlowTable
import Glibc

/// The forwarding plane over real interfaces: one pinned worker for each receive queue.
///
/// Order of use: init (opens sockets) → the caller fills the steering program's socket map → `start` → the caller
/// attaches the program. Stop is the reverse: the caller detaches, then `stop`.
public final class LivePlane {
  public let configuration: LiveConfiguration
  private let resources: [QueueResources]
  private let counterMemory: CounterMemory
  private let puntRings: [PuntRingMemory]
  private let exceptionRingMemory: [PuntRingMemory]
  private let injectionRingMemory: PuntRingMemory
  /// From each worker but worker 0 to that one; none where nothing is held.
  private let handoverRingMemory: [PuntRingMemory]
  private let table: FlowTable
  private var threads: [WorkerThread] = []

  /// - Throws: which operation failed on which interface, with its errno; nothing stays open then.
  public init(configuration: LiveConfiguration, table: FlowTable) throws(PlaneError) {
    self.table = table
    counterMemory = try CounterMemory(workers: configuration.queues)
    (self.configuration, resources) = try Self.open(configuration)
    let queues = 0..<configuration.queues
    puntRings = try queues.map { _ throws(PlaneError) in try PuntRingMemory.make(slots: 1024, payload: 4096) }
    // Smaller than the kernel's: what waits here has a rate limit or a bounded store behind it.
    exceptionRingMemory = try queues.map { _ throws(PlaneError) in try PuntRingMemory.make(slots: 256, payload: 4096) }
    injectionRingMemory = try PuntRingMemory.make(slots: 512, payload: 4096)
    let givers =
      configuration.settings.role == .mobileAccessGateway ? queues.dropFirst() : queues.dropFirst(queues.count)
    handoverRingMemory = try givers.map { _ throws(PlaneError) in
      try PuntRingMemory.make(slots: HandoverLink.slots, payload: 4096)
    }
  }

  /// Opens the sockets of all queues. Ports share their memory, and the first one's mode binds the others (kernel,
  /// xp_assign_dev_shared): where a later driver cannot follow it into zero-copy, `auto` takes copies everywhere.
  private static func open(
    _ wanted: LiveConfiguration
  ) throws(PlaneError) -> (LiveConfiguration, [QueueResources]) {
    do throws(PlaneError) {
      return (wanted, try openAll(wanted))
    } catch {
      guard wanted.mode == .auto, case .environment(_, let code) = error, [EOPNOTSUPP, EINVAL].contains(code) else {
        throw error
      }
      var copying = wanted
      copying.mode = .copy
      return (copying, try openAll(copying))
    }
  }

  private static func openAll(_ configuration: LiveConfiguration) throws(PlaneError) -> [QueueResources] {
    var resources: [QueueResources] = []
    for queue in 0..<configuration.queues {
      resources.append(try QueueResources(configuration: configuration, queue: queue))
    }
    return resources
  }

  /// The rings the slow path drains, one a worker.
  public var kernelRings: [PuntRingMemory] { puntRings }

  /// The rings of packets that need more than a turn, one a worker.
  public var exceptionRings: [PuntRingMemory] { exceptionRingMemory }
  /// The ring by which the slow path sends packets through worker 0.
  public var injectionRing: PuntRingMemory { injectionRingMemory }
  /// The rings by which the other workers send packets to worker 0.
  public var handoverRings: [PuntRingMemory] { handoverRingMemory }

  /// Every socket, to be entered into the steering program's map.
  public var sockets: [SocketFacts] {
    var facts: [SocketFacts] = []
    for (queue, resource) in resources.enumerated() {
      for port in 0..<resource.portCount {
        let descriptor = resource.descriptor(port: port)
        facts.append(
          SocketFacts(
            port: port, queue: queue, descriptor: descriptor, isZeroCopy: fp_socket_is_zero_copy(descriptor) == 1,
            busyPoll: !resource.pollsBusily ? .off : fp_socket_polled_instance(descriptor) > 0 ? .driver : .rings))
      }
    }
    return facts
  }

  /// Loss counters the kernel keeps for one socket; nil when it does not say.
  public func statistics(of socket: SocketFacts) -> SocketStatistics? {
    var raw = xdp_statistics()
    // Safe: an out parameter of this frame.
    guard unsafe fp_socket_statistics(socket.descriptor, &raw) == 0 else { return nil }
    return SocketStatistics(
      rxDropped: raw.rx_dropped, rxInvalidDescriptors: raw.rx_invalid_descs,
      txInvalidDescriptors: raw.tx_invalid_descs, rxRingFull: raw.rx_ring_full,
      rxFillRingEmpty: raw.rx_fill_ring_empty_descs, txRingEmpty: raw.tx_ring_empty_descs)
  }

  /// - Parameter bell: descriptor that becomes readable when `injectionRing` or one of `handoverRings` has packets; -1 for
  ///   none.
  public func start(bell: Int32 = -1) throws(PlaneError) {
    for (queue, resource) in resources.enumerated() {
      let cpu = configuration.cpus.map { $0[queue % $0.count] }
      threads.append(
        try WorkerThread(
          settings: configuration.settings, resources: resource, counters: counterMemory.counters(worker: queue),
          table: table, worker: queue, cpu: cpu, hasOwnCPU: configuration.hasOwnCPUs, rings: rings(worker: queue),
          link: link(worker: queue), bell: queue == 0 ? bell : -1))
    }
  }

  private func rings(worker: Int) -> WorkerRings {
    WorkerRings(
      kernel: puntRings[worker].producer, exceptions: exceptionRingMemory[worker].producer,
      injection: worker == 0 ? injectionRingMemory.consumer : nil)
  }

  private func link(worker: Int) -> HandoverLink {
    handoverRingMemory.isEmpty ? HandoverLink() : HandoverLink(worker: worker, rings: handoverRingMemory)
  }

  /// Ends the workers after their current turn and returns the ledger of each; the caller has detached the program.
  public func stop() -> [FrameAudit] {
    for thread in threads { thread.requestStop() }
    let audits = threads.map { $0.join() }
    threads = []
    return audits
  }

  /// Sums over all workers, readable while they run.
  public var counters: PlaneCounters {
    PlaneCounters(summing: (0..<configuration.queues).map { counterMemory.counters(worker: $0) })
  }
}
