import Glibc

/// Memory of the workers' counters: whole pages for each worker, so that no two share a cache line.
@safe
final class CounterMemory: @unchecked Sendable {
  private let base: UnsafeMutableRawPointer
  private let size: Int
  private static let stride = (WorkerCounters.wordCount * 8 + 4095) / 4096 * 4096

  init(workers: Int) throws(PlaneError) {
    size = Self.stride * max(workers, 1)
    // Safe: a fresh private mapping, zeroed by the kernel.
    let mapping = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
      throw .environment(operation: "allocate counters", code: errno)
    }
    unsafe base = mapping
  }

  // Safe: the mapping of init, unmapped once.
  deinit { unsafe munmap(base, size) }

  func counters(worker: Int) -> WorkerCounters {
    // Safe: `stride` holds `wordCount` words, and worker < workers.
    unsafe WorkerCounters(words: base + worker * Self.stride)
  }
}

/// The sums over all workers of one plane at one moment, copied: they outlive the workers' memory.
public struct PlaneCounters: Sendable {
  /// Laid out like the words of one worker.
  private let sums: [UInt64]

  init(summing workers: [WorkerCounters]) {
    sums = (0..<WorkerCounters.wordCount).map { word in workers.reduce(0) { $0 &+ $1.read(word) } }
  }

  public func drops(_ reason: DropReason) -> UInt64 { sums[WorkerCounters.word(of: reason)] }
  public func punts(_ reason: PuntReason) -> UInt64 { sums[WorkerCounters.word(of: reason)] }
  /// Packets whose fate was left to the slow path, and packets taken from it.
  public var handedOver: UInt64 { sums[WorkerCounters.handedOver] }
  public var injected: UInt64 { sums[WorkerCounters.injected] }
  /// Packets that went into handover buffers, and that left them.
  public var buffered: UInt64 { sums[WorkerCounters.buffered] }
  public var unbuffered: UInt64 { sums[WorkerCounters.unbuffered] }
  /// Answers given up because the ring towards the slow path was full.
  public var unanswered: UInt64 { sums[WorkerCounters.unanswered] }
  /// Answers that nobody may be given.
  public var unanswerable: UInt64 { sums[WorkerCounters.unanswerable] }
  /// Packets that left a tunnel with an unusual pair of ECN fields (RFC 6040 section 4.2), each 0…3.
  public func congestion(inner: UInt8, outer: UInt8) -> UInt64 {
    sums[WorkerCounters.congestion + ExplicitCongestion.cell(inner: inner, outer: outer)]
  }
  public func receivedPackets(port: Int) -> UInt64 { sums[WorkerCounters.cell(port: port)] }
  public func receivedOctets(port: Int) -> UInt64 { sums[WorkerCounters.cell(port: port) + 1] }
  public func transmittedPackets(port: Int) -> UInt64 { sums[WorkerCounters.cell(port: port) + 2] }
  public func transmittedOctets(port: Int) -> UInt64 { sums[WorkerCounters.cell(port: port) + 3] }
}
