import FlowTable

/// How the packets of mobile nodes in handover come to the one worker that holds them, worker 0.
///
/// A flow in handover comes under two outer headers, from the previous gateway and from the anchor, so the NIC's hash may
/// spread it over two queues; two workers that held and drained for themselves would send newer packets before older ones.
/// With one holder "held before live, in order" stays a matter of one thread. A packet on its way here counts as held: it
/// is noted in its account before it is put into the ring, so that the limits are exact, and another worker lets a live
/// packet pass only when nothing is held for the mobile node, on any worker or in any ring.
///
/// The other way would be a queue in each worker and a merge by the arrival times of all heads: every release would wait
/// for all workers to say what they have, or to be asleep, which is the agreement between threads that this spares.
package struct HandoverLink: ~Copyable {
  /// From another worker to the holder; nil for the holder itself.
  private var outgoing: PuntRing?
  /// From the other workers, at the holder.
  private let incoming = FixedArray<64, PuntRingConsumer?>(repeating: nil)
  private let incomingCount: Int
  /// How many packets of each are to be taken in this turn, and how many were.
  private let counts = FixedArray<64, Int>(repeating: 0)
  private let taken = FixedArray<64, Int>(repeating: 0)
  /// Whether this turn has put packets into the ring.
  private(set) var hasPushed = false

  /// Packets that one worker may have on their way to the holder.
  static let slots = 512

  /// - Parameters:
  ///   - worker: index of the worker.
  ///   - rings: one for each worker but worker 0, in order; none where there is one worker. They must outlive it.
  package init(worker: Int = 0, rings: [PuntRingMemory] = []) {
    precondition(worker <= rings.count, "a ring for each worker that does not hold")
    outgoing = worker == 0 ? nil : rings[worker - 1].producer
    incomingCount = worker == 0 ? rings.count : 0
    for index in 0..<incomingCount { incoming[index] = rings[index].consumer }
  }

  /// Whether this worker holds packets, and is given those of the others.
  var isHolder: Bool { outgoing == nil }

  /// Whether there are other workers, at the holder.
  var hasOthers: Bool { incomingCount > 0 }

  // MARK: Other workers

  /// Sends a packet to the holder. False: the ring is full or the packet does not fit.
  ///
  /// - Parameter now: nanoseconds of a clock that all workers have in common. Its lower half orders what the rings hold at
  ///   one time: the holder takes all of it long before four seconds are over.
  mutating func push(_ arrival: HandoverBuffer.Arrival, octets: UnsafeRawPointer, now: UInt64) -> Bool {
    // Accounts are 1…65536: less one, they fit into the slot's 16 bits; the reason says whether there is one.
    let account = arrival.holding.map { UInt16(truncatingIfNeeded: $0.rawValue &- 1) }
    let isTaken =
      unsafe outgoing?.push(
        octets, length: arrival.length, reason: account == nil ? 0 : 1, port: arrival.port,
        tunnel: arrival.tunnel.rawValue, detail: account ?? 0, stamp: UInt32(truncatingIfNeeded: now)) ?? false
    if isTaken { hasPushed = true }
    return isTaken
  }

  /// Wakes the holder if it sleeps, once at the end of a turn that has pushed.
  mutating func ring() {
    outgoing?.ring()
    hasPushed = false
  }

  // MARK: The holder

  // The arrays are reached by their pointers here: as optional elements of a subscript the compiler goes through
  // coroutines, which are calls by pointer in the turn. Safe: every index is below `incomingCount`, and the others are as
  // long.

  /// Notes what is there, before the turn takes its snapshot of the tables: a worker pushes by a generation that it has
  /// seen, so what is taken with these numbers is of the turn's own generation or an older one.
  /// - Returns: how many packets there are.
  mutating func look() -> Int {
    var sum = 0
    for index in 0..<incomingCount {
      let count = unsafe incoming.pointer[index]?.available() ?? 0
      unsafe counts.pointer[index] = count
      unsafe taken.pointer[index] = 0
      sum &+= count
    }
    return sum
  }

  var isEmpty: Bool {
    for index in 0..<incomingCount where unsafe incoming.pointer[index]?.available() ?? 0 > 0 { return false }
    return true
  }

  /// The next packet in the order of their times over all rings; nil when all that were seen have been taken. Valid until
  /// `release`.
  mutating func next() -> PuntedPacket? {
    var earliest: PuntedPacket?
    var from = 0
    for index in 0..<incomingCount where unsafe taken.pointer[index] < counts.pointer[index] {
      guard let packet = unsafe incoming.pointer[index]?.packet(taken.pointer[index]) else { continue }
      // Wrapping: a difference of less than half the range, whichever side of the wrap.
      if let other = earliest, Int32(bitPattern: packet.stamp &- other.stamp) >= 0 { continue }
      earliest = packet
      from = index
    }
    if earliest != nil { unsafe taken.pointer[from] &+= 1 }
    return earliest
  }

  /// Gives the slots of what was taken back.
  mutating func release() {
    for index in 0..<incomingCount where unsafe taken.pointer[index] > 0 {
      unsafe incoming.pointer[index]?.release(taken.pointer[index])
    }
  }

  /// What is on its way to the holder, by account, nil for none: for an audit, never in a turn.
  var onTheWay: [HoldingID?: Int] {
    var found: [HoldingID?: Int] = [:]
    for index in 0..<incomingCount {
      for place in 0..<(incoming[index]?.available() ?? 0) {
        guard let packet = incoming[index]?.packet(place) else { continue }
        found[packet.holding, default: 0] += 1
      }
    }
    return found
  }

  /// Says that the holder is about to sleep, or has woken.
  func setAsleep(_ isAsleep: Bool) {
    for index in 0..<incomingCount { incoming[index]?.setAsleep(isAsleep) }
  }
}

extension PuntedPacket {
  /// The account in which the packet counts, as `push` puts it into the slot; nil for none.
  var holding: HoldingID? { reason == 0 ? nil : HoldingID(UInt32(detail) &+ 1) }

  /// Where the packet goes by its IP header; nil without one.
  var destination: IPAddress? {
    // Safe, here and below: the slot is the reader's until it is released, and the length is looked at first.
    switch unsafe octets.first.map({ $0 >> 4 }) {
    case 6 where unsafe octets.count >= IPv6Header.length:
      unsafe IPAddress(
        ipv6High: UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 24, as: UInt64.self)),
        low: UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 32, as: UInt64.self)))
    case 4 where unsafe octets.count >= 20:
      unsafe IPAddress(ipv4: UInt32(bigEndian: octets.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
    default: nil
    }
  }
}
