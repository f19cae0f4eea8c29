import ControlProtocol

/// One line of a replay's script: an operation and when it happens.
struct ScriptedOperation {
  enum Action {
    case set(TableRecord)
    case delete(TableKey)
  }

  /// Nanoseconds after the first packet.
  let offset: UInt64
  let action: Action

  private static let latest = 1_000_000_000.0

  init(_ value: JSONValue) throws(RecordError) {
    guard case .object(let members) = value else {
      throw RecordError(field: "record", rule: "must be an object, not \(value.kind)")
    }
    let seconds: Double
    switch members.first(where: { $0.key == "at" })?.value {
    case .integer(let whole): seconds = Double(whole)
    case .fraction(let number): seconds = number
    case nil: throw RecordError(field: "at", rule: "is missing: seconds after the first packet")
    default: throw RecordError(field: "at", rule: "must be a number of seconds")
    }
    guard seconds >= 0, seconds <= Self.latest else {
      throw RecordError(field: "at", rule: "must be from 0 to 1000000000 seconds")
    }
    offset = UInt64((seconds * 1_000_000_000).rounded())
    let extraKeys = ["at", "op"]
    switch members.first(where: { $0.key == "op" })?.value {
    case .string("set"): action = .set(try RecordJSON.record(value, extraKeys: extraKeys))
    case .string("delete"): action = .delete(try RecordJSON.key(value, extraKeys: extraKeys))
    case nil: throw RecordError(field: "op", rule: "is missing: \"set\" or \"delete\"")
    default: throw RecordError(field: "op", rule: "must be \"set\" or \"delete\"")
    }
  }
}
