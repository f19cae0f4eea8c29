/// One JSON value (RFC 8259). Integers stay exact, and an object keeps all its members in the order of
/// the text, also those with equal keys: `RecordFields` refuses them by name.
enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  /// A number with a fraction or an exponent.
  case fraction(Double)
  case string(String)
  case array([JSONValue])
  case object([JSONMember])

  /// For messages: what kind of value this is.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer, .fraction: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

struct JSONMember: Hashable, Sendable {
  let key: String
  let value: JSONValue
}

/// Why a text is not JSON.
struct JSONError: Error, Hashable {
  /// Octets from the beginning of the text, from 1.
  let column: Int
  let rule: String
}
