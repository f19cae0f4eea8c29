import FlowTable
import Glibc

/// A worker's turn over ports in memory, a batch at a time: what the suite `engine` measures and the gate on instruction
/// counts replays. Worker 0 of its table, on the calling thread.
///
/// Frames lie as AF_XDP lays them, chunks of 2048 octets with the headroom in front, but are few: the last ones sent are
/// the next ones filled, so that they stay in the second-level cache.
package final class BatchPlane {
  private let engine: Engine

  /// One case a role instead of a protocol: through a protocol's witnesses the compiler would call the generic worker,
  /// which costs twice as much as the specialised one that a daemon runs.
  private enum Engine {
    case anchor(TurnEngine<AnchorPipeline>)
    case gateway(TurnEngine<GatewayPipeline>)
  }

  /// Packets that one port takes for a turn.
  package static let batch = PacketBatch.capacity

  package init(settings: PlaneSettings, table: FlowTable) throws(PlaneError) {
    engine =
      switch settings.role {
      case .localMobilityAnchor: .anchor(try TurnEngine(settings: settings, table: table))
      case .mobileAccessGateway: .gateway(try TurnEngine(settings: settings, table: table))
      }
  }

  /// Where the frame of the next packet to be received on a port begins: the caller writes `length` octets there before
  /// the turn.
  ///
  /// - Precondition: at most `batch` packets a port and turn; `length` is no more than 1500 octets.
  @unsafe
  package func offer(port: Int, length: Int) -> UnsafeMutableRawPointer {
    switch engine {
    case .anchor(let engine): unsafe engine.offer(port: port, length: length)
    case .gateway(let engine): unsafe engine.offer(port: port, length: length)
    }
  }

  /// The worker's turn. What the turn before has sent is forgotten and its frames are free again.
  /// - Returns: how many packets were received.
  ///
  /// Its instructions are what the gate counts, so it must stay a function of its own.
  @inline(never)
  package func turn() -> Int {
    switch engine {
    case .anchor(let engine): engine.turn()
    case .gateway(let engine): engine.turn()
    }
  }

  /// Packets that the last turn has sent through a port.
  package func sentCount(port: Int) -> Int {
    switch engine {
    case .anchor(let engine): engine.sentCount(port: port)
    case .gateway(let engine): engine.sentCount(port: port)
    }
  }

  /// The octets of one of them, valid until the next turn.
  @unsafe
  package func sent(port: Int, _ position: Int) -> UnsafeRawBufferPointer {
    switch engine {
    case .anchor(let engine): unsafe engine.sent(port: port, position)
    case .gateway(let engine): unsafe engine.sent(port: port, position)
    }
  }

  package var counters: PlaneCounters {
    switch engine {
    case .anchor(let engine): engine.counters
    case .gateway(let engine): engine.counters
    }
  }
}

@safe
private final class TurnEngine<Stages: Pipeline> {
  private let memory: PacketMemory
  private let ports: UnsafeMutablePointer<MemoryPort>
  private let portCount: Int
  private let counterMemory: CounterMemory
  /// Kept for their memory alone, as the table is.
  private let rings: [PuntRingMemory]
  private let table: FlowTable
  private var worker: Worker<MemoryPort, Stages>

  init(settings: PlaneSettings, table: FlowTable) throws(PlaneError) {
    // As many as a daemon's queue has, so that they lie in huge pages as those do; few of them are used.
    let frames = settings.ports.count * 2 * Int(XskPort.ringSize) + 2 * PacketBatch.capacity
    memory = try PacketMemory(frames: frames, chunkSize: 2048)
    portCount = settings.ports.count
    // Safe: one element a port until deinit.
    unsafe ports = .allocate(capacity: portCount)
    for port in 0..<portCount { unsafe (ports + port).initialize(to: MemoryPort()) }
    counterMemory = try CounterMemory(workers: 1)
    rings = try (0..<3).map { _ throws(PlaneError) in try PuntRingMemory.make(slots: 2, payload: 2048) }
    self.table = table
    table.quiescence.online(0)
    let handover = try HandoverBuffer(
      settings: settings, chunkSize: memory.chunkSize, table: table, link: HandoverLink(worker: 0, rings: []))
    worker = unsafe Worker(
      settings: settings, memory: memory, ports: ports, counters: counterMemory.counters(worker: 0), table: table,
      index: 0,
      rings: WorkerRings(kernel: rings[0].producer, exceptions: rings[1].producer, injection: rings[2].consumer),
      handover: handover)
  }

  deinit {
    table.quiescence.offline(0)
    unsafe ports.deinitialize(count: portCount)
    unsafe ports.deallocate()
  }

  func offer(port: Int, length: Int) -> UnsafeMutableRawPointer {
    precondition(port >= 0 && port < portCount && length <= 1500, "no such port, or a longer frame than a chunk holds")
    guard let chunk = worker.takeFrame() else { preconditionFailure("more packets than a batch a port") }
    let address = chunk + UInt64(PacketMemory.headroom)
    // Safe: the port exists, and the chunk is longer than headroom and frame together.
    unsafe ports[port].enqueue(address: address, length: UInt32(length))
    return unsafe memory.base + Int(address)
  }

  func turn() -> Int {
    // All ports first: one that is served later must not take back what an earlier one has just sent through it.
    // Safe: one element a port.
    for port in 0..<portCount { unsafe ports[port].finishTransmission() }
    worker.reclaim()
    return worker.turn()
  }

  func sentCount(port: Int) -> Int { unsafe ports[port].sentCount }

  func sent(port: Int, _ position: Int) -> UnsafeRawBufferPointer {
    precondition(position < sentCount(port: port), "not sent")
    // Safe: the descriptor of a frame that stays untouched until the next turn reclaims it.
    let descriptor = unsafe ports[port].sent[position]
    return unsafe UnsafeRawBufferPointer(
      start: memory.base + Int(descriptor.address), count: Int(descriptor.length))
  }

  var counters: PlaneCounters { PlaneCounters(summing: [counterMemory.counters(worker: 0)]) }
}
