/// A total JSON reader for one record at a time: text in, value or `JSONError` out.
///
/// It is here instead of Foundation's because records need what that does not tell: a key given twice, a number that
/// is not an integer, `true` in place of 1; and because a bulk load parses a million small objects.
struct JSONParser {
  /// Records nest three deep; more is refused before it can exhaust the stack.
  private static let deepest = 16

  private let octets: [UInt8]
  private var position: Int
  private let start: Int
  private let end: Int

  /// Parses exactly the octets of `range`; whitespace around the value is allowed.
  static func parse(_ octets: [UInt8], _ range: Range<Int>) throws(JSONError) -> JSONValue {
    var parser = JSONParser(octets: octets, position: range.lowerBound, start: range.lowerBound, end: range.upperBound)
    let value = try parser.value(depth: 0)
    parser.skipWhitespace()
    guard parser.position == parser.end else { throw parser.error("nothing may follow the value") }
    return value
  }

  private init(octets: [UInt8], position: Int, start: Int, end: Int) {
    self.octets = octets
    self.position = position
    self.start = start
    self.end = end
  }

  private func error(_ rule: String) -> JSONError { JSONError(column: position - start + 1, rule: rule) }

  private var current: UInt8? { position < end ? octets[position] : nil }

  private mutating func skipWhitespace() {
    while position < end {
      switch octets[position] {
      case 0x20, 0x09, 0x0a, 0x0d: position += 1
      default: return
      }
    }
  }

  private mutating func take(_ octet: UInt8) -> Bool {
    guard current == octet else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    skipWhitespace()
    guard depth <= Self.deepest else { throw error("nested deeper than \(Self.deepest)") }
    switch current {
    case nil: throw error("a value is missing")
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    for expected in text.description.utf8 {
      guard current == expected else { throw error("expected \(text)") }
      position += 1
    }
    return value
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
    position += 1
    var members: [JSONMember] = []
    skipWhitespace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipWhitespace()
      guard current == UInt8(ascii: "\"") else { throw error("expected a key in double quotes") }
      let key = try string()
      skipWhitespace()
      guard take(UInt8(ascii: ":")) else { throw error("expected ':' after the key") }
      members.append(JSONMember(key: key, value: try value(depth: depth + 1)))
      skipWhitespace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw error("expected ',' or '}'") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipWhitespace()
    if take(UInt8(ascii: "]")) { return .array(elements) }
    repeat {
      elements.append(try value(depth: depth + 1))
      skipWhitespace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw error("expected ',' or ']'") }
    return .array(elements)
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let first = position
    var isInteger = true
    _ = take(UInt8(ascii: "-"))
    let digits = position
    while position < end {
      switch octets[position] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): position += 1
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        isInteger = false
        position += 1
      default: return try number(first, digits, isInteger)
      }
    }
    return try number(first, digits, isInteger)
  }

  private func number(_ first: Int, _ digits: Int, _ isInteger: Bool) throws(JSONError) -> JSONValue {
    guard position > digits else { throw error("expected a JSON value") }
    // RFC 8259 section 6: no leading zeros, and digits on both sides of the point.
    let leadingZero = octets[digits] == UInt8(ascii: "0")
    let text = String(decoding: octets[first..<position], as: UTF8.self)
    if isInteger {
      guard !leadingZero || position == digits + 1, let value = Int64(text) else {
        throw error("\(text) is not a number in range")
      }
      return .integer(value)
    }
    let secondIsDigit = digits + 1 < position && (0x30...0x39).contains(octets[digits + 1])
    guard (0x30...0x39).contains(octets[digits]), !(leadingZero && secondIsDigit),
      (0x30...0x39).contains(octets[position - 1]), !text.contains(".e"), !text.contains(".E"),
      let value = Double(text), value.isFinite
    else { throw error("\(text) is not a number") }
    return .fraction(value)
  }

  private mutating func string() throws(JSONError) -> String {
    position += 1
    let first = position
    while position < end {
      switch octets[position] {
      case UInt8(ascii: "\""):
        guard let text = String(validating: octets[first..<position], as: UTF8.self) else {
          throw error("a string is not UTF-8")
        }
        position += 1
        return text
      case UInt8(ascii: "\\"): return try escapedString(from: first)
      case 0..<0x20: throw error("a control character in a string must be escaped")
      default: position += 1
      }
    }
    throw error("a string has no closing quote")
  }

  /// The rare case: a string with escapes, from `first` on.
  private mutating func escapedString(from first: Int) throws(JSONError) -> String {
    var text = Array(octets[first..<position])
    while let octet = current {
      position += 1
      switch octet {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else { throw error("a string is not UTF-8") }
        return string
      case UInt8(ascii: "\\"): try appendEscape(to: &text)
      case 0..<0x20: throw error("a control character in a string must be escaped")
      default: text.append(octet)
      }
    }
    throw error("a string has no closing quote")
  }

  private mutating func appendEscape(to text: inout [UInt8]) throws(JSONError) {
    guard let octet = current else { throw error("a string has no closing quote") }
    position += 1
    switch octet {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(octet)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xd800...0xdbff).contains(code) {
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw error("half of a surrogate pair") }
        let low = try hexadecimal()
        guard (0xdc00...0xdfff).contains(low) else { throw error("half of a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
      text.append(contentsOf: String(Character(scalar)).utf8)
    default: throw error("unknown escape in a string")
    }
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let octet = current, let digit = Character(Unicode.Scalar(octet)).hexDigitValue else {
        throw error("\\u needs four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
