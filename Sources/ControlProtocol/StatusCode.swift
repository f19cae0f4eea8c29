/// The outcome of a request, in the header of its reply and as the code of the first failed record. Stable numbers.
public enum StatusCode: UInt32, Sendable, CaseIterable {
  case ok = 0
  /// The frame or a record does not follow the specification.
  case malformed = 1
  /// A message type, flag or feature this version does not serve.
  case unsupported = 2
  /// HELLO named another major version.
  case versionMismatch = 3
  /// The frame, or its record count, is larger than the limits in the HELLO reply.
  case tooLarge = 4
  /// The connection may read but not write.
  case notPermitted = 5
  /// A record is well-formed but breaks a rule; the reply names index, field and rule.
  case invalid = 6
  /// DELETE with `expect`: the binding has another tunnel now.
  case stale = 7
  /// LOOKUP: nothing has that key.
  case notFound = 8
  /// A table is full.
  case full = 9
  /// The daemon is stopping or not yet ready; try again.
  case unavailable = 10
  /// A record contradicts what is in the tables, e.g. a tunnel still in use.
  case conflict = 11
  /// A failure of the daemon; nothing of the request was applied.
  case internalFailure = 12
  /// The first frame of a connection must be HELLO.
  case helloRequired = 13

  /// One lower-case phrase for logs and terminals.
  public var text: String {
    switch self {
    case .ok: "ok"
    case .malformed: "malformed"
    case .unsupported: "unsupported"
    case .versionMismatch: "version mismatch"
    case .tooLarge: "too large"
    case .notPermitted: "not permitted"
    case .invalid: "invalid"
    case .stale: "stale"
    case .notFound: "not found"
    case .full: "table full"
    case .unavailable: "unavailable"
    case .conflict: "conflict"
    case .internalFailure: "internal failure"
    case .helloRequired: "HELLO required"
    }
  }
}
