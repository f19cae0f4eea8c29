import ControlProtocol

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

  /// The daemon's refusal, with the line of the record it names.
  init(status: StatusCode, outcome: Outcome, lines: [Int] = []) {
    guard let failure = outcome.firstFailure else {
      self = .refused("refused: \(status.text)")
      return
    }
    guard let index = failure.index, lines.indices.contains(index) else {
      self = .refused("refused: \(status.text): \(failure.rule)")
      return
    }
    let rule = failure.code == .invalid ? failure.rule : "\(failure.code.text): \(failure.rule)"
    self = .record(line: lines[index], field: failure.field, rule: rule)
  }
}
