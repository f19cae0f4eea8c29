// The rare case: strings with escapes, or with octets above ASCII.

extension JSONParser {
  /// Of a string without escapes: its text. Fails when it is not UTF-8.
  static func validated(_ text: Span<UInt8>, column: Int) throws(JSONError) -> String {
    // Safe: the buffer is copied from and does not leave the closure.
    let string = unsafe text.withUnsafeBufferPointer { unsafe String(validating: $0, as: UTF8.self) }
    guard let string else { throw JSONError(column: column, rule: "a string is not UTF-8") }
    return string
  }

  /// The first quote from `start` on that no backslash stands before.
  static func closingQuote(_ text: Span<UInt8>, from start: Int) throws(JSONError) -> Int {
    var position = start
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "\""): return position
      case UInt8(ascii: "\\"): position += 2
      default: position += 1
      }
    }
    throw JSONError(column: text.count + 1, rule: "a string has no closing quote")
  }

  /// The text of a string with escapes.
  ///
  /// - Parameters:
  ///   - text: the octets between the quotes.
  ///   - start: where they begin in the whole text, for the column of a failure.
  static func unescaped(_ text: Span<UInt8>, from start: Int) throws(JSONError) -> String {
    var escapes = EscapeReader(start: start)
    var octets: [UInt8] = []
    octets.reserveCapacity(text.count)
    while escapes.position < text.count {
      let octet = text[escapes.position]
      escapes.position += 1
      switch octet {
      case UInt8(ascii: "\\"): try escapes.append(text, to: &octets)
      case 0..<0x20: throw escapes.error("a control character in a string must be escaped")
      default: octets.append(octet)
      }
    }
    return try validated(octets.span, column: start + text.count + 1)
  }
}

/// Reads what stands behind a backslash.
private struct EscapeReader {
  let start: Int
  var position = 0

  init(start: Int) { self.start = start }

  func error(_ rule: String) -> JSONError { JSONError(column: start + position + 1, rule: rule) }

  private mutating func take(_ text: Span<UInt8>, _ octet: UInt8) -> Bool {
    guard position < text.count, text[position] == octet else { return false }
    position += 1
    return true
  }

  mutating func append(_ text: Span<UInt8>, to octets: inout [UInt8]) throws(JSONError) {
    guard position < text.count else { throw error("a string has no closing quote") }
    let octet = text[position]
    position += 1
    switch octet {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): octets.append(octet)
    case UInt8(ascii: "b"): octets.append(0x08)
    case UInt8(ascii: "f"): octets.append(0x0c)
    case UInt8(ascii: "n"): octets.append(0x0a)
    case UInt8(ascii: "r"): octets.append(0x0d)
    case UInt8(ascii: "t"): octets.append(0x09)
    case UInt8(ascii: "u"): octets.append(contentsOf: String(Character(try scalar(text))).utf8)
    default: throw error("unknown escape in a string")
    }
  }

  private mutating func scalar(_ text: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
    var code = try hexadecimal(text)
    if (0xd800...0xdbff).contains(code) {
      guard take(text, UInt8(ascii: "\\")), take(text, UInt8(ascii: "u")) else {
        throw error("half of a surrogate pair")
      }
      let low = try hexadecimal(text)
      guard (0xdc00...0xdfff).contains(low) else { throw error("half of a surrogate pair") }
      code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
    return scalar
  }

  private mutating func hexadecimal(_ text: Span<UInt8>) throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard position < text.count, let digit = Character(Unicode.Scalar(text[position])).hexDigitValue else {
        throw error("\\u needs four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
