import Synchronization

/// Where every worker stands: the generation it last reported at a quiescent point, or 0 while it is offline.
///
/// One padded word for each worker, written by that worker only, read by the writer before it frees anything.
/// A worker holds no reference into the table between `report` and its next snapshot, nor while it is offline.
@frozen
@safe
public struct QuiescentStates: @unchecked Sendable {
  // Words of the owner's mapping, which outlives every worker (`FlowTable` is released last).
  @usableFromInline let words: UnsafeMutableRawPointer
  @usableFromInline let generation: UnsafeMutablePointer<Atomic<UInt64>>
  public let workers: Int

  /// Octets from one worker's word to the next: two lines, since adjacent-line prefetch couples pairs.
  @usableFromInline static let stride = 128

  init(words: UnsafeMutableRawPointer, generation: UnsafeMutablePointer<Atomic<UInt64>>, workers: Int) {
    unsafe self.words = unsafe words
    unsafe self.generation = unsafe generation
    self.workers = workers
  }

  /// Before a worker's first snapshot, and after it came back from blocking.
  @inlinable
  public func online(_ worker: Int) {
    precondition(worker >= 0 && worker < workers, "no such worker")
    let seen = unsafe generation.pointee.load(ordering: .relaxed)
    // Release, as in `offline`: who sees this word instead of the 0 before it must see that turn's reads done as well.
    unsafe words.word64(worker &* Self.stride).pointee.store(seen, ordering: .releasing)
    // Store, full fence, load: either the writer's scan (after its own full fence, `oldestReported`) finds this worker
    // online, or this worker's next loads find everything the writer had unlinked before that scan.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }

  /// Once per turn, when no reference into the table is left.
  @inlinable
  public func report(_ worker: Int) {
    precondition(worker >= 0 && worker < workers, "no such worker")
    // Acquire pairs with the writer's release store in `publish`: the next snapshot is at least this generation.
    let seen = unsafe generation.pointee.load(ordering: .acquiring)
    // Release pairs with the acquire load in `oldestReported`: this turn's reads come before anything freed by it.
    unsafe words.word64(worker &* Self.stride).pointee.store(seen, ordering: .releasing)
  }

  /// Before a worker blocks or ends, when no reference into the table is left.
  @inlinable
  public func offline(_ worker: Int) {
    precondition(worker >= 0 && worker < workers, "no such worker")
    // Release, as in `report`.
    unsafe words.word64(worker &* Self.stride).pointee.store(0, ordering: .releasing)
  }

  /// The generation a worker last reported; 0 while it is offline.
  public func reported(by worker: Int) -> UInt64 {
    precondition(worker >= 0 && worker < workers, "no such worker")
    // Acquire pairs with the release stores of `report` and `offline`.
    return unsafe words.word64(worker &* Self.stride).pointee.load(ordering: .acquiring)
  }

  /// The generation that every online worker has reported; `UInt64.max` when all are offline. For the writer.
  func oldestReported() -> UInt64 {
    // Pairs with the fence in `online`.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    var oldest = UInt64.max
    for worker in 0..<workers {
      let reported = reported(by: worker)
      if reported != 0 && reported < oldest { oldest = reported }
    }
    return oldest
  }
}
