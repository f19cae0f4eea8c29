// The single-producer ring by which a worker hands bounded copies of packets to the slow path; turned round, it brings
// the slow path's packets to a worker.
//
// Shape: one mapping; a control line for each side (64 octets apart, so that the worker's stores never take the slow
// path's line away), then `slots` slots of a 16-octet header and `payload` octets. Positions are free-running 32-bit
// numbers: every difference is taken with wrapping arithmetic, and a slot is `position & (slots - 1)`, which stays in
// step across the wrap because `slots` is a power of two. Full means `tail - head == slots`.
//
// Ordering: the worker fills a slot and then stores `tail` with release; the slow path loads `tail` with acquire and
// therefore sees the octets. The slow path copies out and then stores `head` with release; the worker loads `head` with
// acquire before it reuses a slot. Each side keeps its own position privately and rereads the other's only when its
// credit is used up.
//
// Waking: `asleep` is a hint, stored and loaded without a fence between it and the positions (workers have exactly one
// full fence, the go-online one). A wake-up lost to that race costs latency, not packets: the slow path never sleeps
// longer than `PuntRingMemory.longestSleep`.
//
// Overload: a full ring or an oversized packet is refused with `false` and the worker drops the newest packet and counts
// it (the ring holds a backlog of work the slow path cannot do in time; older packets have waited longest already).

import Glibc
import Synchronization

/// The positions and the wake-up words of one ring; each word has exactly one line of its own.
@usableFromInline
struct PuntRingControl {
  @usableFromInline static let tail = 0
  @usableFromInline static let head = 64
  @usableFromInline static let asleep = 128
  @usableFromInline static let bell = 192
  @usableFromInline static let octets = 256
  @usableFromInline static let slotHeader = 16
}

/// A worker's view of its ring: a trivial struct of pointers and private positions, kept in the worker's own state.
///
/// There must be one copy in use at a time, by one thread. `PuntRingMemory` owns the memory and must outlive it.
@safe
public struct PuntRing {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let mask: UInt32
  @usableFromInline let stride: Int
  @usableFromInline let payload: Int
  @usableFromInline var tail: UInt32
  @usableFromInline var knownHead: UInt32

  init(base: UnsafeMutableRawPointer, slots: Int, payload: Int, position: UInt32) {
    unsafe self.base = base
    self.mask = UInt32(slots - 1)
    self.stride = payload + PuntRingControl.slotHeader
    self.payload = payload
    self.tail = position
    self.knownHead = position
  }

  /// Copies one packet into the ring and publishes it.
  ///
  /// - Parameters:
  ///   - bytes: the first octet of the IP header (the kernel is given IP packets, not frames).
  ///   - length: octets to copy; more than the ring's payload is refused.
  ///   - reason: the worker's code for why it punts; handed through unchanged.
  ///   - port: index of the port the packet arrived on; handed through unchanged.
  ///   - tunnel: raw value of the tunnel it is about, 0 for none; handed through unchanged.
  ///   - detail: a number that belongs to the reason; handed through unchanged.
  ///   - stamp: when it was pushed, in a clock of the owner's that may wrap; handed through unchanged.
  /// - Returns: false if the ring is full or the packet does not fit; nothing is published then.
  @inlinable
  public mutating func push(
    _ bytes: UnsafeRawPointer, length: Int, reason: UInt8, port: UInt8, tunnel: UInt32 = 0, detail: UInt16 = 0,
    stamp: UInt32 = 0
  ) -> Bool {
    guard length >= 0 && length <= payload else { return false }
    // Wrapping: positions run free; the difference is the number of slots in use, at most mask + 1.
    if tail &- knownHead > mask {
      // Pairs with the release store of `head` in `PuntRingConsumer.release`.
      knownHead = unsafe word(PuntRingControl.head).pointee.load(ordering: .acquiring)
      if tail &- knownHead > mask { return false }
    }
    // In bounds: the masked position is below the slot count the mapping was made for.
    let slot = unsafe base + PuntRingControl.octets + Int(tail & mask) * stride
    unsafe slot.storeBytes(of: UInt32(truncatingIfNeeded: length), as: UInt32.self)
    unsafe slot.storeBytes(of: reason, toByteOffset: 4, as: UInt8.self)
    unsafe slot.storeBytes(of: port, toByteOffset: 5, as: UInt8.self)
    unsafe slot.storeBytes(of: detail, toByteOffset: 6, as: UInt16.self)
    unsafe slot.storeBytes(of: tunnel, toByteOffset: 8, as: UInt32.self)
    unsafe slot.storeBytes(of: stamp, toByteOffset: 12, as: UInt32.self)
    // `length` is at most `payload`, the room behind the slot's header.
    unsafe (slot + PuntRingControl.slotHeader).copyMemory(from: bytes, byteCount: length)
    tail = tail &+ 1
    // Pairs with the acquire load of `tail` in `PuntRingConsumer.available`.
    unsafe word(PuntRingControl.tail).pointee.store(tail, ordering: .releasing)
    return true
  }

  /// Whether at least half of the slots are free: for what can wait elsewhere and must leave room to what cannot.
  public mutating func isHalfFree() -> Bool {
    // As in `push`.
    knownHead = unsafe word(PuntRingControl.head).pointee.load(ordering: .acquiring)
    return tail &- knownHead <= mask >> 1
  }

  /// Wakes the slow path if it sleeps: at most one system call, to be made once at the end of a turn that pushed.
  @inlinable
  public func ring() {
    guard unsafe word(PuntRingControl.asleep).pointee.load(ordering: .relaxed) != 0 else { return }
    unsafe word(PuntRingControl.asleep).pointee.store(0, ordering: .relaxed)
    writeBell()
  }

  @usableFromInline
  func writeBell() {
    let descriptor = unsafe Int32(bitPattern: word(PuntRingControl.bell).pointee.load(ordering: .relaxed))
    guard descriptor >= 0 else { return }
    var mark: UInt8 = 1
    // One octet into a non-blocking pipe. A full pipe means that the slow path has a wake-up pending, which is all
    // this asks for, so a failed write needs no handling.
    unsafe withUnsafePointer(to: &mark) { _ = unsafe write(descriptor, $0, 1) }
  }

  /// One of the ring's shared words. Aligned: the mapping is page-aligned and the offsets are multiples of 64.
  @inlinable
  func word(_ offset: Int) -> UnsafePointer<Atomic<UInt32>> {
    unsafe UnsafePointer((base + offset).assumingMemoryBound(to: Atomic<UInt32>.self))
  }
}
