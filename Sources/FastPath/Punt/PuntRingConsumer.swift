import Synchronization

/// One packet as the slow path finds it in the ring; valid until `PuntRingConsumer.release`.
@safe
public struct PuntedPacket {
  /// The packet from its IP header on.
  public let octets: UnsafeRawBufferPointer
  public let reason: UInt8
  public let port: UInt8
  public let tunnel: UInt32
  public let detail: UInt16
  public let stamp: UInt32
}

/// The slow path's view of one ring. One copy in use at a time, by one thread.
@safe
public struct PuntRingConsumer: BitwiseCopyable {
  let base: UnsafeMutableRawPointer
  let mask: UInt32
  let stride: Int
  let payload: Int
  var head: UInt32

  init(base: UnsafeMutableRawPointer, slots: Int, payload: Int, position: UInt32) {
    unsafe self.base = base
    self.mask = UInt32(slots - 1)
    self.stride = payload + PuntRingControl.slotHeader
    self.payload = payload
    self.head = position
  }

  /// Packets that can be read now.
  public func available() -> Int {
    // Pairs with the release store of `tail` in `PuntRing.push`. Wrapping: free-running positions.
    unsafe Int(word(PuntRingControl.tail).pointee.load(ordering: .acquiring) &- head)
  }

  /// The packet `index` places behind the oldest. Precondition: `index` is below a previous `available()`.
  public func packet(_ index: Int) -> PuntedPacket {
    // In bounds: masked position, as in `push`.
    let slot = unsafe base + PuntRingControl.octets + Int((head &+ UInt32(index)) & mask) * stride
    // The length was at most `payload` when stored; clamped again because it is read from shared memory.
    let length = unsafe min(Int(slot.load(as: UInt32.self)), payload)
    return unsafe PuntedPacket(
      octets: UnsafeRawBufferPointer(start: slot + PuntRingControl.slotHeader, count: length),
      reason: slot.load(fromByteOffset: 4, as: UInt8.self),
      port: slot.load(fromByteOffset: 5, as: UInt8.self),
      tunnel: slot.load(fromByteOffset: 8, as: UInt32.self),
      detail: slot.load(fromByteOffset: 6, as: UInt16.self),
      stamp: slot.load(fromByteOffset: 12, as: UInt32.self))
  }

  /// Gives the oldest `count` slots back to the worker.
  public mutating func release(_ count: Int) {
    head = head &+ UInt32(count)
    // Pairs with the acquire load of `head` in `PuntRing.push`.
    unsafe word(PuntRingControl.head).pointee.store(head, ordering: .releasing)
  }

  /// Announces that the slow path is about to sleep (or has woken); look at `available()` once more after it.
  public func setAsleep(_ asleep: Bool) {
    unsafe word(PuntRingControl.asleep).pointee.store(asleep ? 1 : 0, ordering: .sequentiallyConsistent)
  }

  func word(_ offset: Int) -> UnsafePointer<Atomic<UInt32>> {
    // Aligned: page-aligned mapping, offsets that are multiples of 64.
    unsafe UnsafePointer((base + offset).assumingMemoryBound(to: Atomic<UInt32>.self))
  }
}
