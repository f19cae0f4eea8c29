import FlowTable
import Synchronization

/// Packets of mobile nodes in handover: in, and out again. Nothing here runs for a plain packet.
extension Worker where Port: ~Copyable {
  /// Queues whose bindings are looked at in one turn when the tables have changed: so many of those that are due, and
  /// so many of all in turn.
  private static var checksPerTurn: Int { 64 }

  /// Takes a packet into the buffer, or hands it over to the worker that holds; drops it where there is no room.
  @inline(never)
  mutating func keep(_ index: Int) {
    let frame = context.frame(at: batch.packets[index].address)
    if batch.packets[index].arrival == .tunnelled
      && !Egress.surface(&batch.packets[index], frame: frame, context: context)
    {
      return batch.packets[index].drop(.ecn)
    }
    let packet = batch.packets[index]
    guard Int(packet.innerLength) <= context.handover.payload else { return batch.packets[index].drop(.tooBig) }
    let binding = context.snapshot.binding(packet.destination)
    let arrival = HandoverBuffer.Arrival(
      binding: HandoverKey(binding), holding: binding.holding, tunnel: packet.arrivalTunnel, port: context.port,
      length: Int(packet.innerLength), generation: context.snapshot.generation)
    // Safe: `Parse` has seen that the inner packet ends within the frame.
    let start = unsafe context.memory + Int(truncatingIfNeeded: packet.address) + Int(packet.inner)
    if context.handover.link.isHolder {
      lastHeld = unsafe context.handover.hold(arrival, octets: start, now: clock.now())
      guard lastHeld != 0 else { return batch.packets[index].except(.bufferOverflow, .bufferFull) }
    } else {
      let isTaken = unsafe context.handover.handOver(arrival, octets: start, now: clock.now())
      guard isTaken else { return batch.packets[index].except(.bufferOverflow, .bufferFull) }
    }
    counters.buffer()
  }

  /// Takes what the other workers have handed over, all of it: packets for the same mobile nodes that this worker receives
  /// in this turn have to go behind. As much as the rings hold, and no more than the limits of what is held.
  /// - Returns: how many packets were taken.
  @inline(never)
  mutating func takeHandedOver() -> Int {
    let now = clock.now()
    var taken = 0
    while let packet = context.handover.link.next() {
      takeOver(packet, now: now)
      taken &+= 1
    }
    context.handover.link.release()
    return taken
  }

  /// One packet that another worker has seen through the stages and counted as held: at the tail of its binding's queue,
  /// also if nothing is held there any more; then it is due at once.
  private mutating func takeOver(_ packet: PuntedPacket, now: UInt64) {
    let holding = packet.holding
    var entry: UInt32 = 0
    if let destination = packet.destination { entry = context.snapshot.lookupBinding(LookupKey(destination)) }
    let binding = context.snapshot.binding(entry)
    // Safe, here and below: the slot is this worker's until it is released.
    guard entry != 0, !binding.isVisitor, unsafe packet.octets.count <= context.handover.payload,
      let octets = unsafe packet.octets.baseAddress
    else {
      // At once: nothing that is sent stands between this packet and a live one.
      context.handover.accounts.give(holding)
      counters.unbuffer()
      return counters.drop(DropReason.bufferCancelled.rawValue)
    }
    // Of no generation: what a new queue is to do is found out below.
    let arrival = unsafe HandoverBuffer.Arrival(
      binding: HandoverKey(binding), holding: holding, tunnel: TunnelID(packet.tunnel), port: packet.port,
      length: packet.octets.count, generation: 0)
    guard unsafe context.handover.hold(arrival, octets: octets, now: now, isCounted: true) != 0 else {
      counters.unbuffer()
      return counters.drop(DropReason.bufferFull.rawValue)
    }
    let queue = context.handover.queue(of: arrival.binding)
    if context.handover.generation(of: queue) != context.snapshot.generation { check(queue, now: now) }
  }

  /// Wakes the worker that holds.
  @inline(never)
  mutating func ringHolder() {
    // Published, fence, mark: see `prepareToSleep`.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    context.handover.link.ring()
  }

  /// Lets out what is due, and finds out what has become of the bindings when the tables have changed. Bounded, so that
  /// it never crowds out what is received.
  /// - Returns: how many held packets were taken.
  @inline(never)
  mutating func serveHandover() -> Int {
    let now = clock.now()
    var checks = Self.checksPerTurn
    while true {
      let queue = context.handover.nextToCheck(context.snapshot.generation, budget: &checks)
      if queue == 0 { break }
      check(queue, now: now)
    }
    var done = 0
    checks = Self.checksPerTurn
    while done < handoverBudget && pool.count > 0 {
      switch context.handover.next(now: now, generation: context.snapshot.generation, checks: &checks) {
      case .nothing: return done
      case .check(let queue): check(queue, now: now)
      case .serve(let queue):
        serve(queue, now: now)
        done &+= 1
      }
    }
    return done
  }

  /// What the packets of a queue are to do, by the state of their binding.
  private mutating func check(_ queue: UInt32, now: UInt64) {
    let key = context.handover.binding(of: queue)
    let index = context.snapshot.lookupBinding(
      network: key.network, length: Int(key.prefixLength), counter: key.counter)
    let mode = index == 0 ? HandoverMode.cancelled : Self.mode(context.snapshot.binding(index))
    context.handover.setMode(queue, mode, generation: context.snapshot.generation, now: now)
  }

  private static func mode(_ binding: BindingEntry) -> HandoverMode {
    switch binding.state {
    case .buffering: .waiting
    case .flushing, .relaying, .redirecting: .draining
    case .active: binding.isFlushed ? .draining : .cancelled
    case .pending, .deregistering: .cancelled
    }
  }

  private mutating func serve(_ queue: UInt32, now: UInt64) {
    let event = context.handover.takeFirst(queue, now: now)
    lastEvent = event
    counters.unbuffer()
    switch event.kind {
    case .timeout: counters.drop(DropReason.bufferTimeout.rawValue)
    case .cancel: counters.drop(DropReason.bufferCancelled.rawValue)
    case .release: release(event)
    }
  }

  /// Runs a held packet through the stages, as if it had just come out of its tunnel.
  private mutating func release(_ event: HandoverBuffer.Event) {
    // The caller has seen that there is one.
    guard let chunk = pool.take() else { return counters.drop(DropReason.bufferCancelled.rawValue) }
    var state = PacketState(
      address: chunk + UInt64(PacketMemory.headroom), length: UInt32(EthernetHeader.length + event.length))
    state.origin = .released
    state.arrivalTunnel = event.tunnel
    // Safe: the chunk has room for header and payload behind its headroom, and the octets are the slot's own.
    unsafe copy(context.handover.octets(event.slot), count: event.length, to: state.address)
    batch.packets[0] = state
    batch.count = 1
    context.port = event.port
    context.kinds = []
    Stages.process(&batch, context: context)
    dispatch()
  }

  /// When held packets have something to do next, in nanoseconds of the turn's clock: 0 for at once, nil for never.
  var nextHandover: UInt64? {
    if !context.handover.link.isEmpty { return 0 }
    if context.handover.isEmpty { return nil }
    return context.handover.isChecked(view.generation) ? context.handover.nextDeadline : 0
  }
}
