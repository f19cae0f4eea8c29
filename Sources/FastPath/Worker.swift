import CInstructions
import CXdp
import FlowTable

/// One worker: the ports, frames, batch and counters of one queue number, and the turn that moves packets through them.
///
/// Frames never leave their worker: queue *q* of every port shares this worker's memory, so forwarding copies nothing.
/// The cost model of a turn: two lines of each packet (link-layer and outer header, inner header), one bucket and one
/// entry line a look-up, the tunnel's and next hop's lines shared by all packets of a tunnel.
@safe
struct Worker<Port: PacketPort & ~Copyable, Stages: Pipeline>: ~Copyable {
  var batch = PacketBatch()
  var pool: FramePool
  var context: TurnContext
  /// One element a configured port, in the configuration's order.
  let ports: UnsafeMutablePointer<Port>
  let portCount: Int
  let totalFrames: Int
  let counters: WorkerCounters
  let view: FlowTableView
  private let quiescence: QuiescentStates
  private let index: Int
  var rings: WorkerRings
  private var hasPunted = false
  var hasExceptions = false
  /// Whether a packet of this batch goes through more tunnels than one.
  private var hasDetours = false
  /// What this turn has told the slow path of that only makes news.
  var noticed: Notices = []
  var clock = TurnClock()
  /// What may happen to held packets in one turn, and what happened last: for an owner that looks at each.
  var handoverBudget = 32
  var lastHeld: UInt32 = 0
  var lastEvent: HandoverBuffer.Event?

  /// Everything a worker works on. `ports`, `memory`, `table` and the memory behind the counters must outlive it.
  init(
    settings: PlaneSettings, memory: PacketMemory, ports: UnsafeMutablePointer<Port>, counters: WorkerCounters,
    table: FlowTable, index: Int, rings: WorkerRings, handover: consuming HandoverBuffer
  ) {
    pool = FramePool(frames: memory.frames, chunkSize: memory.chunkSize)
    totalFrames = memory.frames
    // Safe: the memory's owner outlives the worker by this initializer's contract.
    context = unsafe TurnContext(
      settings: HotSettings(settings), memory: memory.base, chunkMask: UInt64(memory.chunkSize) - 1,
      snapshot: table.view.snapshot(), counters: counters, traffic: table.traffic(worker: index), handover: handover)
    unsafe self.ports = ports
    portCount = settings.ports.count
    self.counters = counters
    view = table.view
    quiescence = table.quiescence
    self.index = index
    self.rings = rings
  }

  @inline(__always)
  private var traffic: TrafficCounters { context.traffic }

  /// Steps 2 to 10 of a packet's way, for one batch of every port.
  /// - Returns: how many packets were received, or taken from the slow path, other workers or the handover buffer.
  mutating func turn() -> Int {
    // What the other workers have handed over, counted before the snapshot (`HandoverLink.look`).
    var received = context.handover.link.look()
    context.snapshot = view.snapshot()
    noticed = []
    if received > 0 { received = takeHandedOver() }
    if rings.injection != nil { received &+= takeInjected() }
    if !context.handover.isEmpty { received &+= serveHandover() }
    for index in 0..<portCount {
      // Safe, here and below: `index` is below `portCount`, the number of ports allocated.
      unsafe ports[index].reclaim(into: &pool)
      unsafe ports[index].refill(from: &pool)
      unsafe ports[index].receive(into: &batch)
      guard batch.count > 0 else { continue }
      received &+= batch.count
      context.port = UInt8(truncatingIfNeeded: index)
      context.kinds = context.settings.ports[index].kinds
      prefetchHeaders()
      Stages.process(&batch, context: context)
      counters.received(port: context.port, packets: batch.count, octets: batchOctets)
      dispatch()
    }
    for index in 0..<portCount { unsafe ports[index].wake() }
    if context.handover.settlingCount > 0 { context.handover.settleAccounts() }
    if context.handover.link.hasPushed { ringHolder() }
    if hasPunted {
      rings.kernel.ring()
      hasPunted = false
    }
    if hasExceptions {
      rings.exceptions.ring()
      hasExceptions = false
    }
    quiescence.report(self.index)
    return received
  }

  @inline(__always)
  private var batchOctets: Int {
    var octets = 0
    for index in 0..<batch.end { octets &+= Int(batch.packets[index].length) }
    return octets
  }

  @inline(__always)
  private func prefetchHeaders() {
    let mayEncapsulate = context.kinds != .transport
    for index in 0..<batch.end {
      // Safe: an address from a ring of this memory; a prefetch of the next line cannot fault.
      let start = unsafe context.memory + Int(truncatingIfNeeded: batch.packets[index].address)
      unsafe fp_prefetch_write(start)
      unsafe fp_prefetch_write(start + 64)
      // Where a tunnel header goes: the line in front, untouched since the frame was sent the last time.
      if mayEncapsulate { unsafe fp_prefetch_write(start - 64) }
    }
  }

  /// Step 9: every frame of the batch goes to tx, kernel or back to the pool, with one count.
  mutating func dispatch() {
    var wanted = InlineArray<8, Int>(repeating: 0)
    for index in 0..<batch.end where batch.packets[index].verdict == .transmit {
      wanted[Int(batch.packets[index].port & 7)] &+= 1
    }
    var granted = InlineArray<8, Int>(repeating: 0)
    for port in 0..<portCount where wanted[port] > 0 { granted[port] = unsafe ports[port].reserve(wanted[port]) }
    var placed = InlineArray<8, Int>(repeating: 0)
    var sentOctets = InlineArray<8, Int>(repeating: 0)
    for index in 0..<batch.end {
      let port = Int(batch.packets[index].port & 7)
      if batch.packets[index].verdict == .transmit && placed[port] < granted[port] {
        sentOctets[port] &+= Int(batch.packets[index].departureLength)
        transmit(index, position: placed[port])
        placed[port] &+= 1
      } else {
        // Overload: the newest packets of the batch find no room in the ring and go, since waiting would only make
        // the receiver drop others later.
        if batch.packets[index].verdict == .transmit { batch.packets[index].drop(.txFull) }
        finish(index)
      }
    }
    if hasDetours { countDetours() }
    for port in 0..<portCount where wanted[port] > 0 {
      unsafe ports[port].submit()
      counters.transmitted(port: port, packets: granted[port], octets: sentOctets[port])
    }
  }

  @inline(__always)
  private mutating func transmit(_ index: Int, position: Int) {
    // Wrapping on purpose: a negative departure is an offset into the headroom, checked by `Egress.place`.
    let address = batch.packets[index].address &+ UInt64(bitPattern: Int64(batch.packets[index].departure))
    unsafe ports[Int(batch.packets[index].port & 7)].place(
      position, address: address, length: UInt32(batch.packets[index].departureLength))
    count(index)
  }

  /// Traffic of the tunnels and bindings a transmitted packet used, in octets of the inner packet.
  ///
  /// By its index: of a copy the compiler loads every field that some case needs before the first store.
  @inline(__always)
  mutating func count(_ index: Int) {
    let path = batch.packets[index].path
    if path == .encapsulate {
      if Stages.sendsUplink {
        countUp(index, by: batch.packets[index].departureTunnel)
      } else {
        countDown(index, by: batch.packets[index].departureTunnel)
      }
    } else if path == .deliver {
      countDown(index, by: batch.packets[index].arrivalTunnel)
      if batch.packets[index].source != 0 { countUp(index, by: TunnelID(0)) }
    } else if path == .route {
      countUp(index, by: batch.packets[index].arrivalTunnel)
    } else if path == .hairpin {
      countUp(index, by: batch.packets[index].arrivalTunnel)
      countDown(index, by: batch.packets[index].departureTunnel)
    } else {
      hasDetours = true
    }
  }

  /// From the packet's mobile node by a tunnel, unless that is none.
  @inline(__always)
  private func countUp(_ index: Int, by tunnel: TunnelID) {
    let bytes = UInt64(batch.packets[index].innerLength)
    if tunnel.rawValue != 0 { traffic.countUp(tunnel: tunnel, bytes: bytes) }
    traffic.countUp(binding: context.snapshot.binding(batch.packets[index].source).counter, bytes: bytes)
  }

  /// To the packet's mobile node by a tunnel, unless that is none.
  @inline(__always)
  private func countDown(_ index: Int, by tunnel: TunnelID) {
    let bytes = UInt64(batch.packets[index].innerLength)
    if tunnel.rawValue != 0 { traffic.countDown(tunnel: tunnel, bytes: bytes) }
    traffic.countDown(binding: context.snapshot.binding(batch.packets[index].destination).counter, bytes: bytes)
  }

  /// Counts the transmitted packets of a batch that `count` passes over.
  @inline(never)
  private mutating func countDetours() {
    hasDetours = false
    for index in 0..<batch.end where batch.packets[index].verdict == .transmit { countDetour(index) }
  }

  /// Both tunnels of a packet that goes from one gateway to another, and those that are one in another; nothing for any
  /// other.
  ///
  /// Apart from `count`, since a call among its cases made the compiler copy the worker, 1112 octets, for every packet
  /// (seen in the disassembly; the turn of an anchor took a third longer).
  @inline(never)
  mutating func countDetour(_ index: Int) {
    let packet = batch.packets[index]
    guard packet.path.isDetour else { return }
    let bytes = UInt64(packet.innerLength)
    if packet.path == .relay {
      traffic.countUp(tunnel: packet.arrivalTunnel, bytes: bytes)
      traffic.countUp(tunnel: packet.departureTunnel, bytes: bytes)
      return traffic.countUp(binding: context.snapshot.binding(packet.source).counter, bytes: bytes)
    }
    let binding = context.snapshot.binding(packet.destination)
    traffic.countDown(binding: binding.counter, bytes: bytes)
    if packet.path == .redirect {
      if packet.arrivalTunnel.rawValue != 0 { traffic.countDown(tunnel: packet.arrivalTunnel, bytes: bytes) }
      return traffic.countDown(tunnel: packet.departureTunnel, bytes: bytes)
    }
    if packet.arrivalTunnel.rawValue != 0 {
      traffic.countUp(tunnel: packet.arrivalTunnel, bytes: bytes)
      traffic.countUp(binding: context.snapshot.binding(packet.source).counter, bytes: bytes)
    }
    traffic.countDown(tunnel: binding.tunnel, bytes: bytes)
    // What enters the outermost tunnel has a header more, or two.
    let limit = EncapsulationLimit(of: context.snapshot.tunnel(binding.tunnel))
    let outerBytes = bytes + UInt64(TunnelHeader.length(limit))
    traffic.countDown(tunnel: packet.departureTunnel, bytes: outerBytes)
    traffic.countDown(binding: context.snapshot.binding(packet.outerBinding).counter, bytes: outerBytes)
  }

  /// Ends a packet that is not transmitted: kernel and slow path get bounded copies, the frame goes back.
  @inline(__always)
  private mutating func finish(_ index: Int) {
    if batch.packets[index].verdict == .hold && batch.packets[index].exception == .none { keep(index) }
    if batch.packets[index].exception != .none { report(index) }
    if batch.packets[index].verdict == .punt {
      punt(index)
    } else if batch.packets[index].verdict != .hold {
      counters.drop(batch.packets[index].reason)
    }
    pool.put(batch.packets[index].address)
  }

  private mutating func punt(_ index: Int) {
    // What was tunnelled leaves decapsulated; anything else as it came, without its link-layer header.
    let isInner = batch.packets[index].arrival == .tunnelled
    if isInner,
      !Egress.surface(
        &batch.packets[index], frame: context.frame(at: batch.packets[index].address), context: context)
    {
      batch.packets[index].drop(.ecn)
      return counters.drop(DropReason.ecn.rawValue)
    }
    let packet = batch.packets[index]
    let offset = isInner ? Int(packet.inner) : Int(packet.network)
    let length = isInner ? Int(packet.innerLength) : Int(packet.length) - offset
    // Safe: `parse` has bounded offset and length by the frame's length.
    let start = unsafe context.memory + Int(truncatingIfNeeded: packet.address) + offset
    if unsafe rings.kernel.push(start, length: length, reason: packet.reason, port: context.port) {
      counters.punt(packet.reason)
      hasPunted = true
    } else {
      batch.packets[index].drop(.kernelFull)
      counters.drop(DropReason.kernelFull.rawValue)
    }
  }

  /// Frames given to the kernel for transmission and not back yet, over all ports.
  var framesInTransmit: Int {
    var sum = 0
    for index in 0..<portCount { sum += unsafe ports[index].framesInTransmit }
    return sum
  }

  /// Outside a turn: makes the kernel send what it holds and takes back what it has sent.
  mutating func flush() {
    for index in 0..<portCount { unsafe ports[index].wake() }
    reclaim()
  }

  /// Takes back what every port has finished transmitting, outside a turn.
  mutating func reclaim() {
    for index in 0..<portCount { unsafe ports[index].reclaim(into: &pool) }
  }

  /// A free frame for an owner that plays the receiver (`MemoryPort`).
  mutating func takeFrame() -> UInt64? { pool.take() }

  /// Where the frames are between two turns.
  var audit: FrameAudit {
    var inFill = 0
    for index in 0..<portCount { inFill += unsafe ports[index].framesInFill }
    return FrameAudit(total: totalFrames, free: pool.count, inFill: inFill, inTransmit: framesInTransmit)
  }
}
