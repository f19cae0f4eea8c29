import Glibc
import Synchronization

/// How far a long load is, on standard error while that is a terminal: records, rate and time left in one line that is
/// written over. A load that is over within half a second shows nothing.
final class LoadProgress: Sendable {
  private static let firstAfter = Duration.milliseconds(500)
  private static let between = Duration.milliseconds(200)

  private struct State {
    var records = 0
    var shown: ContinuousClock.Instant?
  }

  private let verb: String
  private let total: Int
  private let start = ContinuousClock.now
  private let isShown: Bool
  private let state = Mutex(State())

  /// - Parameter verb: what happens to the records, as `applied`.
  init(_ verb: String, of total: Int) {
    self.verb = verb
    self.total = total
    isShown = isatty(STDERR_FILENO) == 1
  }

  func advance(by records: Int) {
    guard isShown else { return }
    state.withLock { state in
      state.records += records
      let now = ContinuousClock.now
      guard now - start >= Self.firstAfter, state.shown.map({ now - $0 >= Self.between }) ?? true else { return }
      state.shown = now
      Output.show(onTerminal: "\r" + text(state.records, after: now - start) + "\u{1b}[K")
    }
  }

  /// Takes the line away.
  func finish() {
    state.withLock { state in if state.shown != nil { Output.show(onTerminal: "\r\u{1b}[K") } }
  }

  private func text(_ records: Int, after elapsed: Duration) -> String {
    let seconds = elapsed / .seconds(1)
    let rate = Double(records) / max(seconds, 0.001)
    let left = Int((Double(total - records) / max(rate, 1)).rounded(.up))
    return "\(verb) \(records) of \(total) records, \(Int(rate))/s, \(left) s left"
  }
}
