/// Why bytes are not a message. Every decoder ends in a message or in one of these; none traps.
public enum DecodeError: Error, Hashable, Sendable {
  /// `what` needs `need` octets, and `have` are there.
  case truncated(what: String, need: Int, have: Int)
  /// A payload longer than its parts.
  case trailingOctets(what: String, count: Int)
  case payloadTooLarge(octets: Int, limit: Int)
  case tooManyRecords(count: Int, limit: Int)
  /// Zero with records present, or above `Limits.recordOctets`.
  case recordSize(Int)
  /// A field that this version requires to be zero is not.
  case reservedNotZero(field: String)
  /// A number outside its enumeration.
  case unknownValue(field: String, value: UInt64)
  /// Text that is too long or not UTF-8.
  case text(field: String)
  /// A type whose payload this version does not know.
  case unsupportedType(UInt16)
  /// A flag word with a bit that this version does not know.
  case unsupportedFlags(UInt16)
  /// One record of the frame is bad.
  case record(RecordError)

  /// The status a server answers with.
  public var status: StatusCode {
    switch self {
    case .truncated, .trailingOctets, .recordSize, .reservedNotZero, .unknownValue, .text: .malformed
    case .payloadTooLarge, .tooManyRecords: .tooLarge
    case .unsupportedType, .unsupportedFlags: .unsupported
    case .record: .invalid
    }
  }

  /// The outcome a server puts into its reply: index, field and rule where there are some.
  public var outcome: Outcome {
    if case .record(let error) = self {
      return Outcome(
        failed: 1, firstFailure: .init(index: error.index, code: .invalid, field: error.field, rule: error.rule))
    }
    return Outcome(failed: 0, firstFailure: .init(index: nil, code: status, field: "frame", rule: description))
  }
}

extension DecodeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .truncated(let what, let need, let have): "\(what) needs \(need) octets, \(have) are there"
    case .trailingOctets(let what, let count): "\(count) octets follow the end of \(what)"
    case .payloadTooLarge(let octets, let limit): "a payload of \(octets) octets is above the limit of \(limit)"
    case .tooManyRecords(let count, let limit): "\(count) records are above the limit of \(limit)"
    case .recordSize(let size): "record size \(size) is not in 1…\(Limits.recordOctets)"
    case .reservedNotZero(let field): "\(field) must be zero"
    case .unknownValue(let field, let value): "\(field) has no value \(value)"
    case .text(let field): "\(field) is too long or not UTF-8"
    case .unsupportedType(let type): "message type \(type) is not served by this version"
    case .unsupportedFlags(let flags): "header.flags \(flags) has a bit that this version does not know"
    case .record(let error): "record \(error.index): \(error.field): \(error.rule)"
    }
  }
}

/// A record that breaks a rule of its own (rules that need the tables or the configuration are the server's).
public struct RecordError: Error, Hashable, Sendable {
  /// Position in the frame, from 0.
  public var index: Int
  /// The field, in the words of the JSON form: `prefix`, `tunnel.remote`, `access.vlan`.
  public var field: String
  /// What holds for the field, as text.
  public var rule: String

  public init(index: Int = 0, field: String, rule: String) {
    self.index = index
    self.field = field
    self.rule = rule
  }
}
