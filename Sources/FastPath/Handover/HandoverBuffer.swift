import FlowTable

/// The packets that are held for mobile nodes in handover (RFC 5949 section 4.1): a queue for each binding, and when each
/// has something to do next.
///
/// One worker holds, drains and delivers behind what it holds, so "held before live, in order" is up to one thread; the
/// others hand over to it (`HandoverLink`). What is held, or on its way to be, is counted in the accounts that all workers
/// share. The buffer knows no tables: its owner says what each queue is to do (`setMode`).
package struct HandoverBuffer: ~Copyable {
  /// A held packet; slot 0 is none.
  struct Slot: BitwiseCopyable {
    var arrived: UInt64 = 0
    var next: UInt32 = 0
    /// Account, or 0.
    var holding: UInt32 = 0
    var tunnel: UInt32 = 0
    var length: UInt16 = 0
    var port: UInt8 = 0
  }

  let limits: HandoverLimits
  /// Octets of the largest packet that is held.
  package let payload: Int
  /// Octets from one slot's packet to the next.
  private let stride: Int
  let accounts: HandoverAccounts
  var link: HandoverLink
  /// Accounts, or 0, to be given back at the end of the turn.
  let settling = FixedArray<64, UInt32>(repeating: 0)
  var settlingCount = 0
  let slots: LazyArray<Slot>
  let octets: LazyArray<UInt8>
  let queues: LazyArray<HandoverQueue>
  /// Queues by their binding's counter: open addressing, number of the queue or 0.
  let index: LazyArray<UInt32>
  /// Queues by their next event, the earliest at place 1.
  let heap: LazyArray<UInt32>
  var freeSlots: FreeList
  var freeQueues: FreeList
  package private(set) var heldCount = 0
  package internal(set) var queueCount = 0
  /// The generation up to which every queue's mode is right, and the next queue to look at for a newer one.
  var checkedGeneration: UInt64 = 0
  var checkingGeneration: UInt64 = 0
  var nextChecked = 0

  /// - Parameter payload: octets of the largest packet; without limits nothing is ever held.
  package init(
    limits: HandoverLimits, payload: Int, accounts: HandoverAccounts, link: consuming HandoverLink = HandoverLink()
  ) throws(PlaneError) {
    let stride = (payload + 63) / 64 * 64
    var places = 2
    while places < 2 * limits.total { places *= 2 }
    // All that can fail first: a value that is not whole cannot be given up again.
    let slots = try LazyArray<Slot>(count: limits.total + 1)
    let octets = try LazyArray<UInt8>(count: (limits.total + 1) * stride)
    let queues = try LazyArray<HandoverQueue>(count: limits.total + 1)
    let index = try LazyArray<UInt32>(count: places)
    let heap = try LazyArray<UInt32>(count: limits.total + 1)
    let freeSlots = try FreeList(capacity: limits.total)
    let freeQueues = try FreeList(capacity: limits.total)
    self.limits = limits
    self.accounts = accounts
    self.link = link
    self.payload = payload
    self.stride = stride
    self.slots = slots
    self.octets = octets
    self.queues = queues
    self.index = index
    self.heap = heap
    self.freeSlots = freeSlots
    self.freeQueues = freeQueues
  }

  /// The buffer of a worker: as much as the settings allow for a gateway, nothing for an anchor.
  /// - Parameter chunkSize: of the worker's frames, which a held packet must fit into again.
  init(
    settings: PlaneSettings, chunkSize: Int, table: FlowTable, link: consuming HandoverLink
  ) throws(PlaneError) {
    let isGateway = settings.role == .mobileAccessGateway
    try self.init(
      limits: isGateway ? settings.buffers : HandoverLimits(perMobileNode: 0, total: 0),
      payload: chunkSize - PacketMemory.headroom - EthernetHeader.length, accounts: table.handoverLedger.accounts,
      link: link)
  }

  package var isEmpty: Bool { heldCount == 0 }

  /// Whether packets are held for a binding, behind which newer ones have to go.
  package func isHolding(_ binding: HandoverKey) -> Bool { heldCount > 0 && queue(of: binding) != 0 }

  /// Takes a packet, at the tail of its binding's queue.
  ///
  /// - Parameters:
  ///   - octets: `arrival.length` of them, at most `payload`.
  ///   - isCounted: whether another worker has noted it in the account.
  /// - Returns: the slot that it is in, or 0 when a limit is reached; then nothing is noted.
  package mutating func hold(
    _ arrival: Arrival, octets packet: UnsafeRawPointer, now: UInt64, isCounted: Bool = false
  ) -> UInt32 {
    var number = queue(of: arrival.binding)
    guard isCounted || accounts.take(arrival.holding, perNode: limits.perMobileNode, total: limits.total) else {
      if number != 0 { note(arrivalAt: now, number) }
      return 0
    }
    let isAlone = arrival.holding == nil && number != 0 && Int(queues[Int(number)].count) >= limits.perMobileNode
    guard !isAlone, let slot = freeSlots.take() else {
      accounts.give(arrival.holding)
      if number != 0 { note(arrivalAt: now, number) }
      return 0
    }
    slots[Int(slot)] = Slot(
      arrived: now, holding: arrival.holding?.rawValue ?? 0, tunnel: arrival.tunnel.rawValue,
      length: UInt16(truncatingIfNeeded: arrival.length), port: arrival.port)
    // Safe: the slot has room for `payload` octets, and the caller's packet has `length`, which is at most that.
    unsafe self.octets.pointer(Int(slot) * stride).copyMemory(from: packet, byteCount: min(arrival.length, payload))
    heldCount += 1
    if number == 0 { number = open(arrival, now: now) }
    note(arrivalAt: now, number)
    append(slot, to: number)
    return slot
  }

  private func note(arrivalAt now: UInt64, _ number: UInt32) {
    if queues[Int(number)].mode == .draining {
      queues[Int(number)].joined.note(now)
    } else {
      queues[Int(number)].arrivals.note(now)
    }
  }

  private mutating func append(_ slot: UInt32, to number: UInt32) {
    let tail = queues[Int(number)].tail
    if tail != 0 { slots[Int(tail)].next = slot } else { queues[Int(number)].head = slot }
    queues[Int(number)].tail = slot
    queues[Int(number)].count += 1
    if tail == 0 { settle(number) }
  }

  /// Says what a queue's packets are to do from now on.
  package mutating func setMode(_ number: UInt32, _ mode: HandoverMode, generation: UInt64, now: UInt64) {
    queues[Int(number)].generation = generation
    // What is cancelled is for ever: a new attempt has a queue of its own.
    guard queues[Int(number)].mode != mode, queues[Int(number)].mode != .cancelled else { return }
    switch mode {
    case .draining:
      let end = expiry(slots[Int(queues[Int(number)].head)])
      queues[Int(number)].startDrain(now: now, left: end - min(now, end))
    case .waiting: queues[Int(number)].wait()
    case .cancelled: cancel(number)
    }
    settle(number)
  }

  /// What the queue whose turn it is by `now` needs; nothing when none has anything to do yet.
  ///
  /// - Parameters:
  ///   - generation: of the snapshot that the caller asks.
  ///   - checks: how many queues the caller will still look up; counted down.
  package func next(now: UInt64, generation: UInt64, checks: inout Int) -> Step {
    guard queueCount > 0 else { return .nothing }
    let queue = queues[Int(heap[1])]
    if queue.due > now { return .nothing }
    if queue.mode == .cancelled || queue.generation == generation { return .serve(heap[1]) }
    if checks == 0 { return .nothing }
    checks -= 1
    return .check(heap[1])
  }

  /// When the first queue has something to do; nil when nothing is held.
  package var nextDeadline: UInt64? { queueCount == 0 ? nil : queues[Int(heap[1])].due }

  /// Takes the first packet of a queue that is due. Only a queue that waits drops for age: in a drain, what would be too
  /// old at its turn leaves while it is not.
  package mutating func takeFirst(_ number: UInt32, now: UInt64) -> Event {
    let queue = queues[Int(number)]
    let slot = slots[Int(queue.head)]
    let kind: Event.Kind =
      switch queue.mode {
      case .waiting: .timeout
      case .draining: .release
      case .cancelled: .cancel
      }
    let event = Event(
      kind: kind, slot: queue.head, length: Int(slot.length), port: slot.port, tunnel: TunnelID(slot.tunnel))
    if kind == .release { queues[Int(number)].noteRelease() }
    queues[Int(number)].head = slot.next
    queues[Int(number)].count -= 1
    giveBack(slot.holding == 0 ? nil : HoldingID(slot.holding))
    freeSlots.give(queue.head)
    heldCount -= 1
    if slot.next == 0 {
      close(number)
    } else {
      settle(number)
    }
    return event
  }

  /// The octets of a slot.
  @unsafe
  package func octets(_ slot: UInt32) -> UnsafeRawBufferPointer {
    let length = Int(slots[Int(slot)].length)
    return unsafe UnsafeRawBufferPointer(start: octets.pointer(Int(slot) * stride), count: min(length, payload))
  }

  /// Packets held for each account, and for none: what the ledger must say when no other worker holds any.
  package var heldByAccount: [HoldingID?: Int] {
    var held = link.onTheWay
    for place in 0..<queueCount {
      var slot = queues[Int(heap[place + 1])].head
      while slot != 0 {
        let holding = slots[Int(slot)].holding
        held[holding == 0 ? nil : HoldingID(holding), default: 0] += 1
        slot = slots[Int(slot)].next
      }
    }
    return held
  }

  private func expiry(_ slot: Slot) -> UInt64 {
    let (time, isNever) = slot.arrived.addingReportingOverflow(limits.timeout)
    return isNever ? .max : time
  }

  /// Puts a queue in its place among the next events.
  private mutating func settle(_ number: UInt32) {
    let queue = queues[Int(number)]
    queues[Int(number)].due =
      switch queue.mode {
      case .cancelled: 0
      case .waiting: expiry(slots[Int(queue.head)])
      case .draining: min(expiry(slots[Int(queue.head)]), queue.release)
      }
    arrange(number)
  }
}
