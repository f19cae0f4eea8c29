import ControlProtocol

/// Why a call to the daemon did not succeed.
public enum ClientError: Error, Sendable {
  /// No connection, or none any more: what is wrong and what to do about it, in one sentence.
  case unreachable(String)
  /// The daemon's reply has another status than `ok`; the outcome says which record, field and rule.
  case refused(StatusCode, Outcome)
  /// The daemon speaks another major version.
  case version(UInt16)
  /// The request is larger than the limits of the daemon's HELLO reply, and nothing was sent.
  case tooLarge(Limits)
  /// More than `DaemonConnection.mostReplies` replies wait to be received: nothing was sent. Receive, then send again.
  case repliesWaiting
  /// What the daemon sent is not a reply to what was asked. The connection cannot be used any more.
  case notUnderstood(String)
}

extension ClientError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreachable(let reason): return reason
    case .refused(let status, let outcome):
      guard let failure = outcome.firstFailure else { return "refused: \(status.text)" }
      let place = failure.index.map { "record \($0): \(failure.field): " } ?? ""
      return "refused: \(status.text): \(place)\(failure.rule)"
    case .version(let major):
      return "the daemon speaks protocol version \(major), this program \(Limits.majorVersion): use its fastpathctl"
    case .tooLarge(let limits):
      return "the request is larger than the daemon's limits (\(limits.recordsPerFrame) records, "
        + "\(limits.payloadOctets) octets)"
    case .repliesWaiting: return "more than \(DaemonConnection.mostReplies) replies wait: receive them first"
    case .notUnderstood(let reason): return "the daemon sent a reply that is not understood: \(reason)"
    }
  }
}
