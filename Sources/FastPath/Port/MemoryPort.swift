/// A port without an interface: packets are put in and taken out by the owner between turns.
///
/// Its queues are bounded by one batch: replay and the engine benchmark hand over at most that many a turn.
struct MemoryPort: PacketPort, ~Copyable {
  /// An octet range of the packet memory.
  struct Descriptor: BitwiseCopyable {
    var address: UInt64 = 0
    var length: UInt32 = 0
  }

  private let pending = FixedArray<64, Descriptor>(repeating: Descriptor())
  private var pendingCount = 0
  let sent = FixedArray<512, Descriptor>(repeating: Descriptor())
  private(set) var sentCount = 0
  private var isRead = false
  private var reserved = 0
  /// Frames the owner has taken from the pool and not yet handed to `receive`.
  private(set) var framesInFill = 0
  var framesInTransmit: Int { sentCount }

  /// Queues a packet for the next turn.
  mutating func enqueue(address: UInt64, length: UInt32) {
    precondition(pendingCount < PacketBatch.capacity, "more than one batch queued")
    pending[pendingCount] = Descriptor(address: address, length: length)
    pendingCount += 1
    framesInFill += 1
  }

  /// Says that the owner has read what was sent: the next `reclaim` takes the frames back. Without it a port later in
  /// the turn's order would lose what an earlier one has just sent through it.
  mutating func finishTransmission() { isRead = true }

  mutating func reclaim(into pool: inout FramePool) {
    guard isRead else { return }
    for position in 0..<sentCount { pool.put(sent[position].address) }
    sentCount = 0
    isRead = false
  }

  mutating func refill(from pool: inout FramePool) {}

  @inline(__always)
  mutating func receive(into batch: inout PacketBatch) {
    batch.count = pendingCount
    for position in 0..<batch.end {
      batch.packets[position] = PacketState(address: pending[position].address, length: pending[position].length)
    }
    framesInFill -= pendingCount
    pendingCount = 0
  }

  @inline(__always)
  mutating func reserve(_ wanted: Int) -> Int {
    reserved = min(wanted, sent.count &- sentCount)
    return reserved
  }

  @inline(__always)
  mutating func place(_ position: Int, address: UInt64, length: UInt32) {
    sent[sentCount &+ position] = Descriptor(address: address, length: length)
  }

  @inline(__always)
  mutating func submit() {
    sentCount &+= reserved
    reserved = 0
  }

  mutating func wake() {}
}
