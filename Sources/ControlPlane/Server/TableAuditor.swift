import FlowTable
import Logging

/// Audits the forwarding table in slices between the writer's other work, when somebody asks for its state.
///
/// Confined to the writer's event loop.
package final class TableAuditor {
  /// Entries of a slice: 0.2 ms, so that an update never waits for longer. Ten million bindings take five thousand of
  /// them, about a second.
  private static let sliceEntries = 4096
  /// Rest between two audits, as a multiple of the time that the first took: at most a tenth of the writer's time.
  private static let restFactor: UInt64 = 10

  /// An audit that came to its end.
  package struct Result {
    package let report: AuditReport
    /// Of the clock, in nanoseconds.
    package let finishedAt: UInt64
    fileprivate let worked: UInt64
  }

  private let writer: TableWriter
  private let clock: @Sendable () -> UInt64
  private let logger: Logger
  private var running: TableAudit?
  private var worked: UInt64 = 0
  package private(set) var last: Result?
  /// Why there can be no audit now: the kernel refuses memory for its notes.
  package private(set) var refusal: FlowTableError?

  package init(writer: TableWriter, clock: @escaping @Sendable () -> UInt64, logger: Logger) {
    self.writer = writer
    self.clock = clock
    self.logger = logger
  }

  package var isRunning: Bool { running != nil }

  /// Whether `last` is recent enough to be shown: an audit is not repeated sooner than ten times as long as it took.
  private func isFresh(_ now: UInt64) -> Bool {
    guard let last else { return false }
    return now &- last.finishedAt < last.worked &* Self.restFactor
  }

  /// Does one slice of an audit, and begins one if the last is not fresh any more.
  ///
  /// - Returns: whether `last`, or `refusal`, is what there is to say.
  package func advance() -> Bool {
    let start = clock()
    if running == nil {
      if isFresh(start) { return true }
      do throws(FlowTableError) {
        running = try TableAudit(writer)
        refusal = nil
      } catch {
        refusal = error
        return true
      }
      worked = 0
    }
    return goOn(start)
  }

  /// Does one slice of an audit that somebody began and did not wait for.
  package func advanceIfRunning() {
    if running != nil { _ = goOn(clock()) }
  }

  private func goOn(_ start: UInt64) -> Bool {
    guard let audit = running else { return true }
    let isFinished = audit.step(Self.sliceEntries)
    let end = clock()
    worked += end &- start
    guard isFinished else { return false }
    last = Result(report: audit.report, finishedAt: end, worked: worked)
    running = nil
    tell(audit.report)
    return true
  }

  private func tell(_ report: AuditReport) {
    guard !report.isSound else { return }
    logger.critical(
      "the forwarding table is damaged",
      metadata: ["findings": "\(report.findingCount)", "first": "\(report.findings.first?.description ?? "")"])
  }
}
