import ControlProtocol
import FastpathClient
import RecordText

/// Why a command did not do what was asked; its exit status is part of the contract.
enum CommandFailure: Error {
  /// One record is bad: here or, with the daemon's words, there.
  case record(line: Int, field: String, rule: String)
  /// The request is refused as a whole.
  case refused(String)
  /// The daemon cannot be reached or stopped talking.
  case unreachable(String)

  var exitStatus: Int32 {
    switch self {
    case .record, .refused: 1
    case .unreachable: 2
    }
  }

  var message: String {
    switch self {
    case .record(let line, let field, let rule): "line \(line): \(field): \(rule)"
    case .refused(let reason): reason
    case .unreachable(let reason): reason
    }
  }

  init(_ error: RecordLineError) { self = .record(line: error.line, field: error.field, rule: error.rule) }

  /// - Parameter line: the line of a record, by its index in the request, for the words of a refusal.
  init(_ error: ClientError, line: (Int) -> Int? = { _ in nil }) {
    switch error {
    case .refused(let status, let outcome): self.init(status: status, outcome: outcome, line: line)
    case .version, .tooLarge, .repliesWaiting: self = .refused("\(error)")
    case .unreachable, .notUnderstood: self = .unreachable("\(error)")
    }
  }

  private init(status: StatusCode, outcome: Outcome, line: (Int) -> Int?) {
    guard let failure = outcome.firstFailure else {
      self = .refused("refused: \(status.text)")
      return
    }
    guard let index = failure.index, let line = line(index) else {
      self = .refused("refused: \(status.text): \(failure.rule)")
      return
    }
    let rule = failure.code == .invalid ? failure.rule : "\(failure.code.text): \(failure.rule)"
    self = .record(line: line, field: failure.field, rule: rule)
  }
}
