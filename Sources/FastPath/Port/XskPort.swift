import CXdp
import Glibc

/// One AF_XDP socket: the fill, rx, tx and completion ring of one queue of one interface. One thread owns it.
@safe
struct XskPort: PacketPort, ~Copyable {
  private let rings: UnsafeMutablePointer<fp_rings>
  let descriptor: Int32
  /// Busy polling: the driver receives within the system calls of `wake`.
  private(set) var pollsDriver = false
  private(set) var framesInFill = 0
  private(set) var framesInTransmit = 0
  private var reservedFrom: UInt32 = 0
  private var reserved: UInt32 = 0

  /// Sizes of the rings. 2048 descriptors hold 2 ms of packets at 1 Mpps, enough for a worker that lost its CPU for one
  /// scheduler tick; a larger ring only moves more lines through the cache.
  static let ringSize: UInt32 = 2048
  /// System calls that transmit a whole ring where one takes 32 frames (TX_BATCH_SIZE, net/xdp/xsk.c): before Linux 6.17,
  /// which has an option for more (`fp_socket_open`).
  private static let callsPerTurn = Int(ringSize) / 32

  /// - Parameter rings: stays at its address until the socket is closed, which happens after the worker has ended.
  init(rings: UnsafeMutablePointer<fp_rings>, descriptor: Int32) {
    unsafe self.rings = rings
    self.descriptor = descriptor
  }

  @inline(__always)
  mutating func reclaim(into pool: inout FramePool) {
    var index: UInt32 = 0
    // Safe, here and below: this thread alone uses the rings, and they outlive it.
    let count = unsafe fp_completion_peek(rings, Self.ringSize, &index)
    guard count > 0 else { return }
    for position in 0..<count { pool.put(unsafe fp_completion_address(rings, index &+ position)) }
    unsafe fp_completion_release(rings, count)
    framesInTransmit &-= Int(count)
  }

  @inline(__always)
  mutating func refill(from pool: inout FramePool) {
    let room = unsafe min(Int(fp_fill_free(rings, Self.ringSize)), pool.count)
    // Small top-ups would write the shared position once a packet; a quarter batch keeps the ring nearly full as well.
    guard room >= PacketBatch.capacity / 4 else { return }
    var index: UInt32 = 0
    let count = unsafe fp_fill_reserve(rings, UInt32(truncatingIfNeeded: room), &index)
    for position in 0..<count {
      // `count` is at most the pool's count, so there is always one.
      guard let frame = pool.take() else { break }
      unsafe fp_fill_set(rings, index &+ position, frame)
    }
    unsafe fp_fill_submit(rings, count)
    framesInFill &+= Int(count)
  }

  @inline(__always)
  mutating func receive(into batch: inout PacketBatch) {
    var index: UInt32 = 0
    let count = unsafe fp_rx_peek(rings, UInt32(PacketBatch.capacity), &index)
    batch.count = Int(count)
    guard count > 0 else { return }
    for position in 0..<count {
      let address = unsafe fp_rx_address(rings, index &+ position)
      let length = unsafe fp_rx_length(rings, index &+ position)
      batch.packets[Int(position)] = PacketState(address: address, length: length)
    }
    unsafe fp_rx_release(rings, count)
    framesInFill &-= Int(count)
  }

  @inline(__always)
  mutating func reserve(_ wanted: Int) -> Int {
    let free = unsafe fp_tx_free(rings, UInt32(truncatingIfNeeded: wanted))
    let granted = min(UInt32(truncatingIfNeeded: wanted), free)
    // Exactly what will be submitted: a remainder would be lost to the ring for ever.
    reserved = granted == 0 ? 0 : unsafe fp_tx_reserve(rings, granted, &reservedFrom)
    return Int(reserved)
  }

  @inline(__always)
  mutating func place(_ position: Int, address: UInt64, length: UInt32) {
    unsafe fp_tx_set(rings, reservedFrom &+ UInt32(truncatingIfNeeded: position), address, length)
  }

  @inline(__always)
  mutating func submit() {
    guard reserved > 0 else { return }
    unsafe fp_tx_submit(rings, reserved)
    framesInTransmit &+= Int(reserved)
    reserved = 0
  }

  /// Submitted descriptors that the kernel has not taken out of the tx ring.
  private var framesNotTaken: UInt32 {
    let free = unsafe fp_tx_free(rings, Self.ringSize)
    return Self.ringSize &- free
  }

  @inline(__always)
  mutating func wake() {
    var hasPolled = false
    if unsafe framesInTransmit > 0 && (pollsDriver || fp_tx_needs_wakeup(rings) != 0) {
      // In copy mode the call is the transmission, of 32 frames at a time on older kernels.
      var calls = Self.callsPerTurn
      var waiting = framesNotTaken
      while calls > 0 && waiting > 0 {
        hasPolled = true
        // 0: all sent. EAGAIN: the budget is used up, go on. Anything else: the next turn tries again.
        if fp_socket_kick_tx(descriptor) != -EAGAIN { break }
        let left = framesNotTaken
        // EAGAIN without progress: the device takes nothing now, and asking again in this turn would only burn time.
        if left == waiting { break }
        waiting = left
        calls -= 1
      }
    }
    if unsafe (pollsDriver && !hasPolled) || fp_fill_needs_wakeup(rings) != 0 { _ = fp_socket_kick_rx(descriptor) }
  }

  /// Between turns: polls from now on if the kernel knows by now what there is to poll. Until then the calls would be
  /// for nothing, and interrupts receive.
  mutating func findDriver() { pollsDriver = fp_socket_polled_instance(descriptor) > 0 }
}
