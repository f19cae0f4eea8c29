import ControlProtocol
import Dispatch
import RecordText
import Synchronization

/// A file of records as the frames that will be sent: all of it is read, checked and encoded before anything is sent.
struct LoadFrames {
  /// Records of one frame: below the protocol's payload limit at the largest record (208 octets with its tag).
  static let recordsPerFrame = 16384

  struct Frame: Sendable {
    let octets: [UInt8]
    /// Of its record octets, for a transaction's COMMIT.
    let checksum: CRC32
    let records: Int
  }

  let frames: [Frame]
  let records: Int
  private let text: [UInt8]
  private let runs: [RecordRun]

  private struct Work {
    var frames: [Frame?]
    var failure: (run: Int, error: RecordLineError)?
  }

  /// Fails with the first line of the file that is no record.
  init(_ text: [UInt8]) throws(CommandFailure) {
    let runs = RecordRun.runs(of: Self.recordsPerFrame, in: text)
    let records = runs.reduce(0) { $0 + $1.count }
    let progress = LoadProgress("checked", of: records)
    let work = Mutex(Work(frames: Array(repeating: nil, count: runs.count)))
    // On all processors: the daemon has nothing to do yet, and reading takes longer than anything that follows.
    DispatchQueue.concurrentPerform(iterations: runs.count) { index in
      // Runs before the first bad one are still read: one of them may have an earlier bad line.
      guard work.withLock({ ($0.failure?.run ?? .max) > index }) else { return }
      do throws(RecordLineError) {
        let frame = try Self.frame(runs[index], text)
        work.withLock { $0.frames[index] = frame }
        progress.advance(by: frame.records)
      } catch {
        work.withLock { work in
          if (work.failure?.run ?? .max) > index { work.failure = (index, error) }
        }
      }
    }
    progress.finish()
    let done = work.withLock { work in
      defer { work.frames = [] }
      return work
    }
    if let failure = done.failure { throw CommandFailure(failure.error) }
    (frames, self.records, self.text, self.runs) = (done.frames.compactMap(\.self), records, text, runs)
  }

  private static func frame(_ run: RecordRun, _ text: [UInt8]) throws(RecordLineError) -> Frame {
    let records = try run.records(text)
    var octets: [UInt8] = []
    octets.reserveCapacity(FrameHeader.size + UpsertRequest.preludeOctets + run.count * BindingRecord.shortWireSize)
    // The connection gives it its id.
    Request.upsert(UpsertRequest(records: records)).encode(requestID: 0, flags: .atomic, into: &octets)
    var checksum = CRC32()
    // Safe: UInt8 has no padding, and the span does not outlive the statement.
    checksum.add(
      unsafe octets.span.extracting((FrameHeader.size + UpsertRequest.preludeOctets)..<octets.count).bytes)
    return Frame(octets: octets, checksum: checksum, records: records.count)
  }

  /// The line of a record of the file, by its number from 0.
  func line(ofRecord number: Int) -> Int? {
    guard (0..<records).contains(number) else { return nil }
    return runs[number / Self.recordsPerFrame].line(number % Self.recordsPerFrame, text)
  }
}
