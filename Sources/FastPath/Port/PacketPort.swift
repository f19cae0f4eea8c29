/// A queue of a port as the worker's turn sees it: batches in, batches out, and the ledger of its frames.
///
/// Two implementations, one pipeline: AF_XDP rings (`XskPort`) and memory (`MemoryPort`, for replay and benchmarks).
protocol PacketPort: ~Copyable {
  /// Puts the frames the other side has finished transmitting back into the pool.
  mutating func reclaim(into pool: inout FramePool)
  /// Gives free frames to the receiver.
  mutating func refill(from pool: inout FramePool)
  /// Takes up to `PacketBatch.capacity` packets; their frames belong to the batch from here on.
  mutating func receive(into batch: inout PacketBatch)
  /// Opens room for transmission and says for how many of `wanted` packets.
  mutating func reserve(_ wanted: Int) -> Int
  /// Fills place `position` of what was reserved.
  mutating func place(_ position: Int, address: UInt64, length: UInt32)
  /// Hands everything reserved to the transmitter.
  mutating func submit()
  /// At most one wake-up a turn: makes the kernel transmit and refill if it asked for that.
  mutating func wake()
  /// Frames the other side holds now: given for receive, and submitted but not completed.
  var framesInFill: Int { get }
  var framesInTransmit: Int { get }
}
