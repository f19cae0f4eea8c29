import Glibc
import Synchronization

/// A thread of its own that asks one question over and over, as a worker at full load does, while the table changes.
final class Reader: Sendable {
  private let question: QuestionBox
  private let cpu: Int
  private let stops = Atomic<Bool>(false)
  /// Lookups done; the thread stores it after every batch.
  private let done = Atomic<Int>(0)
  private let thread = Atomic<UInt>(0)

  /// Only the reader's thread asks while it runs.
  private struct QuestionBox: @unchecked Sendable {
    let question: Question
  }

  /// Starts the thread and waits until it has begun to read.
  init(_ question: Question, cpu: Int) throws {
    self.question = QuestionBox(question: question)
    self.cpu = cpu
    var created = pthread_t()
    // The thread takes over this reference and releases it when it ends.
    let status = unsafe pthread_create(
      &created, nil,
      { argument in
        unsafe Unmanaged<Reader>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    if status != 0 { throw CannotPin(cpu: cpu, reason: status) }
    thread.store(UInt(created), ordering: .relaxed)
    while lookups == 0 { usleep(100) }
  }

  var lookups: Int { done.load(ordering: .relaxed) }

  func stop() {
    stops.store(true, ordering: .relaxed)
    pthread_join(pthread_t(thread.load(ordering: .relaxed)), nil)
  }

  private func run() {
    do { try Processor.pin(cpu) } catch {
      // Its rate would mean nothing; the figure must not be taken.
      fail("\(error)")
    }
    var count = 0
    _ = question.question.read {
      count += Workload.batch
      done.store(count, ordering: .relaxed)
      return !stops.load(ordering: .relaxed)
    }
  }
}
