import CXdp
import FlowTable
import Glibc
import Synchronization

/// The pinned thread of one worker: turns while there is work, sleeps in poll when there is none.
final class WorkerThread: @unchecked Sendable {
  private let settings: PlaneSettings
  private let resources: QueueResources
  private let counters: WorkerCounters
  private let table: FlowTable
  private let index: Int
  private let cpu: Int?
  /// Nobody else needs that CPU.
  private let hasOwnCPU: Bool
  private let rings: WorkerRings
  /// Readable when the slow path or another worker has sent something; -1 for none.
  private let bell: Int32
  /// The thread takes it when it starts.
  private var handover: HandoverBuffer?
  /// The worker's command word; 1 asks it to stop.
  private let command = Atomic<UInt32>(0)
  private var handle = pthread_t()
  /// Written by the thread before it ends, read after the join.
  private var audit: FrameAudit?

  /// Longest sleep in poll, in milliseconds: the bound on noticing the command word.
  private static let longestSleep: Int32 = 100

  init(
    settings: PlaneSettings, resources: QueueResources, counters: WorkerCounters, table: FlowTable, worker: Int,
    cpu: Int?, hasOwnCPU: Bool, rings: WorkerRings, link: consuming HandoverLink, bell: Int32
  ) throws(PlaneError) {
    self.settings = settings
    self.resources = resources
    self.counters = counters
    self.table = table
    index = worker
    self.cpu = cpu
    self.hasOwnCPU = hasOwnCPU
    self.rings = rings
    self.bell = bell
    handover = try HandoverBuffer(settings: settings, chunkSize: resources.memory.chunkSize, table: table, link: link)
    // Safe: the thread takes over this one retain and gives it up when it ends.
    let argument = unsafe Unmanaged.passRetained(self).toOpaque()
    let status = unsafe pthread_create(
      &handle, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<WorkerThread>.fromOpaque(argument).takeRetainedValue().main()
        return nil
      }, argument)
    guard status == 0 else {
      unsafe Unmanaged<WorkerThread>.fromOpaque(argument).release()
      throw .environment(operation: "start worker \(worker)", code: status)
    }
  }

  func requestStop() { command.store(1, ordering: .releasing) }

  func join() -> FrameAudit {
    pthread_join(handle, nil)
    return audit ?? FrameAudit(total: 0, free: 0, inFill: 0, inTransmit: 0)
  }

  private func main() {
    // Safe: passed as a terminated string for this call only. A name is for the operator's eyes.
    _ = unsafe fp_name_thread("fp-worker-\(index)")
    if let cpu { _ = fp_pin_thread(Int32(cpu)) }
    switch settings.role {
    case .localMobilityAnchor: run(AnchorPipeline.self)
    case .mobileAccessGateway: run(GatewayPipeline.self)
    }
  }

  private func run<Stages: Pipeline>(_ stages: Stages.Type) {
    let count = settings.ports.count
    // Safe: one element a port, alive until the end of this function, which outlives the worker below.
    let ports = UnsafeMutablePointer<XskPort>.allocate(capacity: count)
    for port in 0..<count {
      unsafe (ports + port).initialize(
        to: XskPort(rings: resources.rings + port, descriptor: resources.descriptor(port: port)))
    }
    defer {
      unsafe ports.deinitialize(count: count)
      unsafe ports.deallocate()
    }
    guard let handover = handover.take() else { preconditionFailure("a worker's thread runs once") }
    let quiescence = table.quiescence
    quiescence.online(index)
    var worker = unsafe Worker<XskPort, Stages>(
      settings: settings, memory: resources.memory, ports: ports, counters: counters, table: table, index: index,
      rings: rings, handover: handover)
    var idle = 0
    var patience = Patience(hasOwnCPU: hasOwnCPU, pollsBusily: resources.pollsBusily)
    while command.load(ordering: .acquiring) == 0 {
      if worker.turn() > 0 {
        idle = 0
        if patience.isInGap { patience.received(worker.clock.now()) }
        continue
      }
      idle += 1
      if idle == Patience.shortest { patience.lacksPackets(worker.clock.now()) }
      guard idle >= patience.turns else {
        // Whoever else wants this CPU, a receive path in a thread of its own say, does not wait for the end of the looking.
        if idle % Patience.shortest == 0 { sched_yield() }
        continue
      }
      if resources.pollsBusily {
        for port in 0..<count where unsafe !ports[port].pollsDriver { unsafe ports[port].findDriver() }
        idle = 0
        continue
      }
      quiescence.offline(index)
      if let timeout = timeout(worker), worker.prepareToSleep() { sleep(timeout) }
      worker.awake()
      quiescence.online(index)
      idle = 0
    }
    drain(&worker)
    quiescence.offline(index)
    audit = worker.audit
  }

  /// The program is detached: forwards what is in the rings already, then lets the kernel send what it holds, for a
  /// bounded time (`SIGTERM` must end the daemon within 2 s).
  private func drain<Stages: Pipeline>(_ worker: inout Worker<XskPort, Stages>) {
    var turns = Int(XskPort.ringSize) / PacketBatch.capacity
    while turns > 0, worker.turn() > 0 { turns -= 1 }
    var milliseconds = 200
    while worker.framesInTransmit > 0 && milliseconds > 0 {
      worker.flush()
      usleep(1000)
      milliseconds -= 1
    }
  }

  /// How long to sleep at most, in milliseconds: briefly when the kernel still holds frames to transmit, which only we
  /// drive on, or while packets of mobile nodes in handover are held, whose bindings may change at any time. Nil when
  /// such a packet is due before the shortest sleep has ended.
  private func timeout<Stages: Pipeline>(_ worker: borrowing Worker<XskPort, Stages>) -> Int32? {
    guard let next = worker.nextHandover else { return worker.framesInTransmit > 0 ? 1 : Self.longestSleep }
    return next > worker.clock.now() &+ 1_000_000 ? 1 : nil
  }

  /// Blocks until a packet arrives.
  private func sleep(_ timeout: Int32) {
    var descriptors = (0..<settings.ports.count).map { resources.descriptor(port: $0) }
    if bell >= 0 { descriptors.append(bell) }
    // Safe: the array is alive for the call; any result means "look again".
    _ = unsafe fp_poll_readable(&descriptors, UInt32(descriptors.count), timeout)
    guard bell >= 0 else { return }
    var marks: UInt64 = 0
    // Takes the wake-ups out of the non-blocking pipe; what is left over only wakes once more.
    _ = unsafe withUnsafeMutableBytes(of: &marks) { unsafe read(bell, $0.baseAddress, $0.count) }
  }
}
