import Glibc
import Synchronization

/// Owns the shared memory of one worker's punt ring; must outlive every view of it.
@safe
public final class PuntRingMemory: @unchecked Sendable {
  /// How long the slow path may sleep at most, in milliseconds: the bound on a wake-up lost to the unfenced hint.
  public static let longestSleep: Int32 = 10

  public let slots: Int
  public let payload: Int
  private let base: UnsafeMutableRawPointer
  private let octets: Int
  private let firstPosition: UInt32

  /// - Parameters:
  ///   - slots: packets the ring holds; a power of two.
  ///   - payload: octets of the largest packet; a multiple of 8.
  ///   - firstPosition: where the 32-bit positions start (tests start just below 2^32).
  /// - Returns: nil if the memory cannot be mapped; `errno` says why.
  public init?(slots: Int, payload: Int = 2048, firstPosition: UInt32 = 0) {
    precondition(slots > 0 && slots <= 1 << 16 && slots & (slots - 1) == 0, "slots is a power of two up to 65536")
    precondition(payload > 0 && payload <= 1 << 16 && payload % 8 == 0, "payload is a multiple of 8 up to 65536")
    self.slots = slots
    self.payload = payload
    self.firstPosition = firstPosition
    self.octets = PuntRingControl.octets + slots * (payload + PuntRingControl.slotHeader)
    // A fresh private mapping: the kernel chooses the address, nothing else refers to it.
    let mapping = unsafe mmap(nil, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else { return nil }
    unsafe self.base = unsafe mapping
    for offset in [PuntRingControl.tail, PuntRingControl.head, PuntRingControl.asleep, PuntRingControl.bell] {
      let first: UInt32 =
        switch offset {
        case PuntRingControl.asleep: 0
        case PuntRingControl.bell: UInt32(bitPattern: -1)
        default: firstPosition
        }
      // The four words lie inside the first 256 octets of the mapping, 64 apart, and nobody else sees them yet.
      unsafe (mapping + offset).assumingMemoryBound(to: Atomic<UInt32>.self).initialize(to: Atomic(first))
    }
  }

  deinit {
    // The mapping made in `init`, with its length; views must be gone by contract.
    unsafe munmap(base, octets)
  }

  /// A ring, or the reason why the memory cannot be had.
  static func make(slots: Int, payload: Int) throws(PlaneError) -> PuntRingMemory {
    guard let ring = PuntRingMemory(slots: slots, payload: payload) else {
      throw .environment(operation: "allocate a ring between a worker and the slow path", code: errno)
    }
    return ring
  }

  /// The worker's view. To be asked for once: two views in use would each believe to be the only producer.
  public var producer: PuntRing {
    unsafe PuntRing(base: base, slots: slots, payload: payload, position: firstPosition)
  }

  /// The slow path's view. To be asked for once.
  public var consumer: PuntRingConsumer {
    unsafe PuntRingConsumer(base: base, slots: slots, payload: payload, position: firstPosition)
  }

  /// Sets the non-blocking descriptor that `PuntRing.ring` writes an octet to, or -1 for none.
  public func setBell(_ descriptor: Int32) {
    // The bell word was initialized in `init` and lives as long as this object.
    unsafe UnsafePointer((base + PuntRingControl.bell).assumingMemoryBound(to: Atomic<UInt32>.self))
      .pointee.store(UInt32(bitPattern: descriptor), ordering: .relaxed)
  }
}
