import ControlProtocol
import RecordText

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

  private static let ownKeys = KnownKeys(.at, .op)

  init(_ value: JSONDocument) throws(RecordError) {
    guard value.isObject else { throw RecordError(field: "record", rule: "must be an object, not \(value.kindText)") }
    guard value.has(.at) else { throw RecordError(field: "at", rule: "is missing: seconds after the first packet") }
    guard let seconds = value.fraction(.at) else {
      throw RecordError(field: "at", rule: "must be a number of seconds")
    }
    guard seconds >= 0, seconds <= Self.latest else {
      throw RecordError(field: "at", rule: "must be from 0 to 1000000000 seconds")
    }
    offset = UInt64((seconds * 1_000_000_000).rounded())
    guard value.has(.op) else { throw RecordError(field: "op", rule: "is missing: \"set\" or \"delete\"") }
    if value.isString(.op, "set") {
      action = .set(try RecordJSON.record(value, extraKeys: Self.ownKeys))
    } else if value.isString(.op, "delete") {
      action = .delete(try RecordJSON.key(value, extraKeys: Self.ownKeys))
    } else {
      throw RecordError(field: "op", rule: "must be \"set\" or \"delete\"")
    }
  }
}
