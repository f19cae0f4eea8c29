/// One value (RFC 8259) of a `JSONDocument`, by where its text is.
///
/// A load reads ten million of them: they are places in the text, which nothing is made of until somebody asks.
struct JSONNode: BitwiseCopyable, Sendable {
  enum Kind: UInt8, BitwiseCopyable, Sendable {
    case null, no, yes, integer
    /// A number with a fraction or an exponent.
    case fraction
    case string, array, object
  }

  var kind: Kind
  /// Of a string: there are escapes in it, so that its octets are not its text.
  var isEscaped = false
  /// Of an object's member whose key a record may have somewhere.
  private(set) var key: RecordKey?
  private(set) var isKeyEscaped = false
  // The value's octets; of a string, those between the quotes. Narrow numbers: the nodes of a record are five cache lines.
  private var startOffset: UInt32
  private var endOffset: UInt32
  private var keyStart: UInt32 = 0
  private var keyEnd: UInt32 = 0
  private var nextIndex: UInt32 = 0

  /// Octets of a text of which every place fits a node.
  static let longestText = Int(UInt32.max)

  init(_ kind: Kind, _ start: Int, _ end: Int) {
    self.kind = kind
    startOffset = UInt32(truncatingIfNeeded: start)
    endOffset = UInt32(truncatingIfNeeded: end)
  }

  var start: Int { Int(startOffset) }
  var end: Int {
    get { Int(endOffset) }
    set { endOffset = UInt32(truncatingIfNeeded: newValue) }
  }

  /// The octets of a member's key between the quotes.
  var keyRange: Range<Int> { Int(keyStart)..<Int(keyEnd) }

  mutating func setKey(_ key: RecordKey?, at range: Range<Int>, isEscaped: Bool) {
    self.key = key
    isKeyEscaped = isEscaped
    keyStart = UInt32(truncatingIfNeeded: range.lowerBound)
    keyEnd = UInt32(truncatingIfNeeded: range.upperBound)
  }

  /// The node behind this value and all that is in it. An object's members and an array's elements come right after it.
  var next: Int {
    get { Int(nextIndex) }
    set { nextIndex = UInt32(truncatingIfNeeded: newValue) }
  }

  /// For messages: what kind of value this is.
  var kindText: String {
    switch kind {
    case .null: "null"
    case .no, .yes: "a boolean"
    case .integer, .fraction: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// Why a text is not JSON.
package struct JSONError: Error, Hashable {
  /// Octets from the beginning of the text, from 1.
  package let column: Int
  package let rule: String
}
