import FlowTable
import Glibc
import Synchronization

/// A worker's life on a thread of its own: online, turns until told to stop, offline. What a turn returns is summed up.
final class ReaderThread: @unchecked Sendable {
  private let turn: @Sendable (TableSnapshot) -> Int
  private let fixture: Fixture
  private let worker: Int
  private let stops = Atomic<Bool>(false)
  private let count = Atomic<Int>(0)
  private let pauseCount = Atomic<Int>(0)
  private var generator: SeededGenerator
  // Written by the reader thread before it ends, read after join.
  private var sum = 0
  private var thread = pthread_t()

  /// - Parameters:
  ///   - pauses: the seed of when the reader goes offline, and for how long.
  ///   - turn: runs on the reader thread with a fresh snapshot; returns how many failures it saw.
  init(
    _ fixture: Fixture, worker: Int, pauses: UInt64 = 1, turn: @escaping @Sendable (TableSnapshot) -> Int
  ) {
    self.fixture = fixture
    self.worker = worker
    self.turn = turn
    generator = SeededGenerator(seed: pauses)
    let context = unsafe Unmanaged.passRetained(self)
    // The thread takes over the retained reference.
    let error = unsafe pthread_create(
      &thread, nil,
      { context in
        unsafe Unmanaged<ReaderThread>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    precondition(error == 0, "cannot start a reader thread")
  }

  var turns: Int { count.load(ordering: .relaxed) }
  /// How often it was offline.
  var pauses: Int { pauseCount.load(ordering: .relaxed) }

  /// Stops the thread and returns the sum of its turns' failures.
  func finish() -> Int {
    stops.store(true, ordering: .relaxed)
    pthread_join(thread, nil)
    return sum
  }

  private func run() {
    let quiescence = fixture.table.quiescence
    quiescence.online(worker)
    while !stops.load(ordering: .relaxed) {
      sum += turn(fixture.table.view.snapshot())
      count.add(1, ordering: .relaxed)
      if generator.oneIn(40) {
        // As a worker that found nothing to do: back at once, or after a while.
        quiescence.offline(worker)
        pauseCount.add(1, ordering: .relaxed)
        if generator.oneIn(4) { usleep(UInt32(generator.below(300))) } else { sched_yield() }
        quiescence.online(worker)
      } else {
        quiescence.report(worker)
      }
    }
    quiescence.offline(worker)
  }
}
