/// The free frames of one worker: a stack of chunk addresses in memory of its own.
///
/// Frames never leave their worker, so the stack needs no lock, and the last frame put back, whose lines are still in
/// cache, is the first to be used again.
@safe
struct FramePool: ~Copyable {
  private let addresses: UnsafeMutablePointer<UInt64>
  private let capacity: Int
  private(set) var count: Int
  private let chunkMask: UInt64

  /// All frames of a UMEM of `frames` chunks of `chunkSize` octets (a power of two), free.
  init(frames: Int, chunkSize: Int) {
    capacity = frames
    count = frames
    chunkMask = UInt64(chunkSize) - 1
    // Safe: one element for each frame there is; freed in deinit and nowhere else.
    unsafe addresses = .allocate(capacity: frames)
    for frame in 0..<frames { unsafe (addresses + frame).initialize(to: UInt64(frame * chunkSize)) }
  }

  deinit { unsafe addresses.deallocate() }

  /// The next free frame, or nil.
  @inline(__always)
  mutating func take() -> UInt64? {
    guard count > 0 else { return nil }
    count &-= 1
    // Safe: 0 ≤ count < capacity by the guard.
    return unsafe addresses[count]
  }

  /// Takes a frame back; `address` may point anywhere into its chunk.
  @inline(__always)
  mutating func put(_ address: UInt64) {
    // A frame returned twice would overflow the stack: stop before memory is harmed, since the ledger is broken.
    precondition(count < capacity, "frame returned twice")
    // Safe: count < capacity.
    unsafe addresses[count] = address & ~chunkMask
    count &+= 1
  }
}
