import FlowTable
import Glibc

/// The same pipeline without interfaces: one packet in, its fate out. Replay, explain and the conformance tests use it.
///
/// It runs a worker's turn on the calling thread, worker 0's unless a test wants more; the table's writer may run on the same thread between packets.
public final class OfflinePlane {
  /// What became of one packet.
  public struct Outcome: Sendable {
    public enum Fate: Sendable, Hashable {
      case transmitted
      case kernel(PuntReason)
      case dropped(DropReason)
      /// The slow path has it (`exceptions`) and decides, or the handover buffer (`slot`).
      case held
    }

    public let fate: Fate
    /// Frames as they would be transmitted, with the index of their port.
    public let sent: [(port: Int, frame: [UInt8])]
    /// The IP packet given to the kernel, decapsulated if it came by a tunnel.
    public let kernelPacket: [UInt8]?
    /// What the slow path is asked for.
    public let exceptions: [ExceptionPacket]
    /// Where the handover buffer holds the packet; another's when this one has left.
    public let slot: UInt32?
  }

  private let engine: any OfflineEngine
  /// Kept for their memory alone.
  private let handoverRings: [PuntRingMemory]

  /// Frames longer than this do not exist on a port: no MTU a frame's chunk can hold is as large.
  public static let longestFrame = 16_000

  public convenience init(settings: PlaneSettings, table: FlowTable) throws(PlaneError) {
    try self.init(settings: settings, table: table, worker: 0, handoverRings: [])
  }

  /// One of several workers of a table, for tests of what they do together.
  /// - Parameter handoverRings: one for each worker but worker 0.
  package init(
    settings: PlaneSettings, table: FlowTable, worker: Int, handoverRings: [PuntRingMemory]
  ) throws(PlaneError) {
    self.handoverRings = handoverRings
    let link = HandoverLink(worker: worker, rings: handoverRings)
    engine =
      switch settings.role {
      case .localMobilityAnchor:
        try PipelineEngine<AnchorPipeline>(settings: settings, table: table, index: worker, link: link)
      case .mobileAccessGateway:
        try PipelineEngine<GatewayPipeline>(settings: settings, table: table, index: worker, link: link)
      }
  }

  /// Runs one turn with one frame received on `port`.
  /// - Parameter now: nanoseconds of the owner's clock, for packets that are held.
  /// - Precondition: `port` is the index of a configured port.
  public func process(_ frame: [UInt8], port: Int, now: UInt64 = 0) -> Outcome {
    engine.process(frame, port: port, now: now)
  }

  /// Runs one turn with one packet of the slow path. Nil: it is empty or larger than any frame, and no turn was made.
  public func process(_ packet: OriginatedPacket, now: UInt64 = 0) -> Outcome? { engine.process(packet, now: now) }

  /// When packets in the handover buffer have something to do next: 0 for at once, since the tables have changed, nil
  /// when none is held.
  public var nextDeadline: UInt64? { engine.nextDeadline }

  /// Lets the handover buffer do what is due by `now`, one packet after the other.
  /// - Returns: the slot that each was in, and what became of it.
  public func serve(now: UInt64) -> [(slot: UInt32, outcome: Outcome)] {
    var served: [(slot: UInt32, outcome: Outcome)] = []
    while let deadline = engine.nextDeadline, deadline <= now {
      if let one = engine.serveOne(now: now) { served.append(one) }
    }
    return served
  }

  public var counters: PlaneCounters { engine.counters }

  /// How the ledger of held packets differs from what is held; nil: not at all. Every account and the sum are compared.
  public var ledgerFault: String? { engine.ledgerFault }
}

/// A pipeline with its role chosen.
private protocol OfflineEngine: AnyObject {
  func process(_ frame: [UInt8], port: Int, now: UInt64) -> OfflinePlane.Outcome
  func process(_ packet: OriginatedPacket, now: UInt64) -> OfflinePlane.Outcome?
  var nextDeadline: UInt64? { get }
  func serveOne(now: UInt64) -> (slot: UInt32, outcome: OfflinePlane.Outcome)?
  var counters: PlaneCounters { get }
  var ledgerFault: String? { get }
}

@safe
private final class PipelineEngine<Stages: Pipeline>: OfflineEngine {
  private let memory: PacketMemory
  private let ports: UnsafeMutablePointer<MemoryPort>
  private let portCount: Int
  private let counterMemory: CounterMemory
  /// Towards the kernel, towards the slow path, and from it; kept for their memory.
  private let rings: [PuntRingMemory]
  private var kernel: PuntRingConsumer
  private var exceptions: PuntRingConsumer
  private var injection: PuntRing
  private var worker: Worker<MemoryPort, Stages>
  private let quiescence: QuiescentStates
  /// Of the worker.
  private let index: Int
  /// Held for its memory alone, which the worker reads.
  private let table: FlowTable

  init(settings: PlaneSettings, table: FlowTable, index: Int, link: consuming HandoverLink) throws(PlaneError) {
    self.index = index
    memory = try PacketMemory(frames: 2 * PacketBatch.capacity, chunkSize: 32_768)
    portCount = settings.ports.count
    // Safe: one element a port until deinit.
    unsafe ports = .allocate(capacity: portCount)
    for port in 0..<portCount { unsafe (ports + port).initialize(to: MemoryPort()) }
    counterMemory = try CounterMemory(workers: 1)
    rings = try (0..<3).map { _ throws(PlaneError) in try PuntRingMemory.make(slots: 2, payload: 16_384) }
    kernel = rings[0].consumer
    exceptions = rings[1].consumer
    injection = rings[2].producer
    self.table = table
    quiescence = table.quiescence
    quiescence.online(index)
    let handover = try HandoverBuffer(settings: settings, chunkSize: memory.chunkSize, table: table, link: link)
    worker = unsafe Worker(
      settings: settings, memory: memory, ports: ports, counters: counterMemory.counters(worker: 0), table: table,
      index: index,
      rings: WorkerRings(kernel: rings[0].producer, exceptions: rings[1].producer, injection: rings[2].consumer),
      handover: handover)
    quiescence.offline(index)
  }

  deinit {
    unsafe ports.deinitialize(count: portCount)
    unsafe ports.deallocate()
  }

  var counters: PlaneCounters { PlaneCounters(summing: [counterMemory.counters(worker: 0)]) }

  func process(_ frame: [UInt8], port: Int, now: UInt64) -> OfflinePlane.Outcome {
    precondition(port >= 0 && port < portCount, "no such port")
    guard frame.count <= OfflinePlane.longestFrame else {
      let counters = counterMemory.counters(worker: 0)
      counters.received(port: UInt8(port), packets: 1, octets: frame.count)
      counters.drop(DropReason.tooBig.rawValue)
      return OfflinePlane.Outcome(fate: .dropped(.tooBig), sent: [], kernelPacket: nil, exceptions: [], slot: nil)
    }
    // Online only for the turn: between packets the writer may reclaim at once.
    quiescence.online(index)
    defer { quiescence.offline(index) }
    takeBack()
    guard let chunk = worker.takeFrame() else { preconditionFailure("every frame of the turn before came back") }
    let address = chunk + UInt64(PacketMemory.headroom)
    // Safe: the chunk is longer than headroom and `longestFrame` together.
    unsafe frame.withUnsafeBytes { octets in
      guard let source = octets.baseAddress else { return }
      unsafe (memory.base + Int(address)).copyMemory(from: source, byteCount: octets.count)
    }
    unsafe ports[port].enqueue(address: address, length: UInt32(frame.count))
    turn(now: now, handoverBudget: 0)
    let last = worker.batch.packets[0]
    return outcome(of: last)
  }

  /// A turn at a time of the owner's, which takes at most so many packets from the handover buffer: what they and the
  /// received one have become must be told apart.
  private func turn(now: UInt64, handoverBudget: Int) {
    worker.clock.fixed = now
    worker.handoverBudget = handoverBudget
    worker.lastHeld = 0
    worker.lastEvent = nil
    _ = worker.turn()
  }

  var nextDeadline: UInt64? { worker.nextHandover }

  var ledgerFault: String? {
    let held = worker.context.handover.heldByAccount
    let ledger = table.handoverLedger
    let sum = held.values.reduce(0, +)
    if sum != ledger.heldTotal { return "\(sum) packets are held, the ledger says \(ledger.heldTotal)" }
    for case (let account?, let count) in held where count != ledger.held(account) {
      return "\(count) packets are held under account \(account.rawValue), the ledger says \(ledger.held(account))"
    }
    let accounted = sum - (held[nil] ?? 0)
    return accounted == ledger.heldUnderAccounts
      ? nil : "\(accounted) packets are held under accounts, the ledger says \(ledger.heldUnderAccounts)"
  }

  func serveOne(now: UInt64) -> (slot: UInt32, outcome: OfflinePlane.Outcome)? {
    quiescence.online(index)
    defer { quiescence.offline(index) }
    takeBack()
    turn(now: now, handoverBudget: 1)
    guard let event = worker.lastEvent else { return nil }
    func dropped(_ reason: DropReason) -> OfflinePlane.Outcome {
      OfflinePlane.Outcome(fate: .dropped(reason), sent: [], kernelPacket: nil, exceptions: [], slot: nil)
    }
    return switch event.kind {
    case .timeout: (event.slot, dropped(.bufferTimeout))
    case .cancel: (event.slot, dropped(.bufferCancelled))
    case .release: (event.slot, outcome(of: worker.batch.packets[0]))
    }
  }

  func process(_ packet: OriginatedPacket, now: UInt64) -> OfflinePlane.Outcome? {
    guard packet.octets.count <= OfflinePlane.longestFrame, injection.push(packet) else { return nil }
    quiescence.online(index)
    defer { quiescence.offline(index) }
    takeBack()
    turn(now: now, handoverBudget: 0)
    return outcome(of: worker.batch.packets[0])
  }

  /// The frames of the turn before have been read.
  private func takeBack() {
    // Safe: one element a port.
    for index in 0..<portCount { unsafe ports[index].finishTransmission() }
    worker.reclaim()
  }

  private func outcome(of packet: PacketState) -> OfflinePlane.Outcome {
    var sent: [(port: Int, frame: [UInt8])] = []
    for port in 0..<portCount {
      // Safe: descriptors of frames that stay untouched until the next turn reclaims them.
      for position in 0..<(unsafe ports[port].sentCount) {
        let descriptor = unsafe ports[port].sent[position]
        let start = unsafe memory.base + Int(descriptor.address)
        sent.append((port, unsafe Array(UnsafeRawBufferPointer(start: start, count: Int(descriptor.length)))))
      }
    }
    let punted = takePunted()
    let fate: OfflinePlane.Outcome.Fate =
      switch packet.verdict {
      case .transmit: .transmitted
      case .punt: .kernel(PuntReason(rawValue: packet.reason) ?? .notOurs)
      case .hold: .held
      case .drop, .undecided: .dropped(DropReason(rawValue: packet.reason) ?? .malformed)
      }
    let slot = packet.verdict == .hold && packet.exception == .none ? worker.lastHeld : nil
    return OfflinePlane.Outcome(
      fate: fate, sent: sent, kernelPacket: punted, exceptions: takeExceptions(), slot: slot)
  }

  private func takeExceptions() -> [ExceptionPacket] {
    let count = exceptions.available()
    defer { exceptions.release(count) }
    return (0..<count).compactMap { ExceptionPacket(exceptions.packet($0)) }
  }

  private func takePunted() -> [UInt8]? {
    guard kernel.available() > 0 else { return nil }
    defer { kernel.release(1) }
    // Safe: the slot is ours until released, and the octets are copied out before.
    return unsafe Array(kernel.packet(0).octets)
  }
}
