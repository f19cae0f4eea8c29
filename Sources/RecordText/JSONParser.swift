/// A total JSON reader for one record at a time: where each value is, or `JSONError`.
///
/// It is here instead of Foundation's because records need what that does not tell: a key given twice, a number that
/// is not an integer, `true` in place of 1; and because a bulk load reads a million small objects, for which nothing is
/// allocated here.
struct JSONParser: Sendable {
  /// Records nest three deep; more is refused before it can exhaust the stack.
  private static let deepest = 16

  /// The values in the order of the text.
  private(set) var nodes: [JSONNode] = []
  private var position = 0

  /// Reads exactly one value, with whitespace around it.
  mutating func parse(_ text: Span<UInt8>) throws(JSONError) {
    nodes.removeAll(keepingCapacity: true)
    position = 0
    guard text.count <= JSONNode.longestText else { throw error("a text of more than 4 GiB") }
    try value(text, depth: 0)
    skipWhitespace(text)
    guard position == text.count else { throw error("nothing may follow the value") }
  }

  private func error(_ rule: String) -> JSONError { JSONError(column: position + 1, rule: rule) }

  private mutating func skipWhitespace(_ text: Span<UInt8>) {
    while position < text.count {
      switch text[position] {
      case 0x20, 0x09, 0x0a, 0x0d: position += 1
      default: return
      }
    }
  }

  private func current(_ text: Span<UInt8>) -> UInt8? { position < text.count ? text[position] : nil }

  private mutating func take(_ text: Span<UInt8>, _ octet: UInt8) -> Bool {
    guard current(text) == octet else { return false }
    position += 1
    return true
  }

  /// Appends the value's node and those of all that is in it; `next` of the first is entered here.
  private mutating func value(_ text: Span<UInt8>, depth: Int) throws(JSONError) {
    skipWhitespace(text)
    guard depth <= Self.deepest else { throw error("nested deeper than \(Self.deepest)") }
    let index = nodes.count
    switch current(text) {
    case nil: throw error("a value is missing")
    case UInt8(ascii: "{"): try object(text, depth: depth)
    case UInt8(ascii: "["): try array(text, depth: depth)
    case UInt8(ascii: "\""):
      let (range, isEscaped) = try string(text)
      nodes.append(JSONNode(.string, range.lowerBound, range.upperBound))
      nodes[index].isEscaped = isEscaped
    case UInt8(ascii: "t"): try word(text, "true", .yes)
    case UInt8(ascii: "f"): try word(text, "false", .no)
    case UInt8(ascii: "n"): try word(text, "null", .null)
    default: try number(text)
    }
    nodes[index].next = nodes.count
  }

  private mutating func word(_ text: Span<UInt8>, _ word: StaticString, _ kind: JSONNode.Kind) throws(JSONError) {
    let start = position
    for expected in word.description.utf8 {
      guard current(text) == expected else { throw error("expected \(word)") }
      position += 1
    }
    nodes.append(JSONNode(kind, start, position))
  }

  private mutating func object(_ text: Span<UInt8>, depth: Int) throws(JSONError) {
    let index = nodes.count
    nodes.append(JSONNode(.object, position, position))
    position += 1
    skipWhitespace(text)
    if !take(text, UInt8(ascii: "}")) {
      repeat {
        skipWhitespace(text)
        guard current(text) == UInt8(ascii: "\"") else { throw error("expected a key in double quotes") }
        let (range, isEscaped) = try string(text)
        skipWhitespace(text)
        guard take(text, UInt8(ascii: ":")) else { throw error("expected ':' after the key") }
        let member = nodes.count
        try value(text, depth: depth + 1)
        let key = try Self.key(text.extracting(range), isEscaped: isEscaped)
        nodes[member].setKey(key, at: range, isEscaped: isEscaped)
        skipWhitespace(text)
      } while take(text, UInt8(ascii: ","))
      guard take(text, UInt8(ascii: "}")) else { throw error("expected ',' or '}'") }
    }
    nodes[index].end = position
  }

  private static func key(_ text: Span<UInt8>, isEscaped: Bool) throws(JSONError) -> RecordKey? {
    guard isEscaped else { return RecordKey(text) }
    return RecordKey(Array(try unescaped(text, from: 0).utf8).span)
  }

  private mutating func array(_ text: Span<UInt8>, depth: Int) throws(JSONError) {
    let index = nodes.count
    nodes.append(JSONNode(.array, position, position))
    position += 1
    skipWhitespace(text)
    if !take(text, UInt8(ascii: "]")) {
      repeat {
        try value(text, depth: depth + 1)
        skipWhitespace(text)
      } while take(text, UInt8(ascii: ","))
      guard take(text, UInt8(ascii: "]")) else { throw error("expected ',' or ']'") }
    }
    nodes[index].end = position
  }

  private mutating func number(_ text: Span<UInt8>) throws(JSONError) {
    let first = position
    var isInteger = true
    _ = take(text, UInt8(ascii: "-"))
    let digits = position
    loop: while position < text.count {
      switch text[position] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): position += 1
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        isInteger = false
        position += 1
      default: break loop
      }
    }
    guard position > digits else { throw error("expected a JSON value") }
    try check(text.extracting(first..<position), digits: digits - first, isInteger)
    nodes.append(JSONNode(isInteger ? .integer : .fraction, first, position))
  }

  private func check(_ text: Span<UInt8>, digits: Int, _ isInteger: Bool) throws(JSONError) {
    // RFC 8259 section 6: no leading zeros, and digits on both sides of the point.
    let leadingZero = text[digits] == UInt8(ascii: "0")
    if isInteger, !leadingZero || text.count == digits + 1 {
      // Eighteen digits are below 2^63; more are rare.
      if text.count - digits <= 18 { return }
    }
    // Safe: the buffer is copied from and does not leave the closure.
    let number = unsafe text.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    if isInteger {
      guard !leadingZero || text.count == digits + 1, Int64(number) != nil else {
        throw error("\(number) is not a number in range")
      }
      return
    }
    let secondIsDigit = digits + 1 < text.count && (0x30...0x39).contains(text[digits + 1])
    guard (0x30...0x39).contains(text[digits]), !(leadingZero && secondIsDigit),
      (0x30...0x39).contains(text[text.count - 1]), !number.contains(".e"), !number.contains(".E"),
      let value = Double(number), value.isFinite
    else { throw error("\(number) is not a number") }
  }

  /// Where a string's octets are; they are UTF-8 and their escapes are whole.
  private mutating func string(_ text: Span<UInt8>) throws(JSONError) -> (range: Range<Int>, isEscaped: Bool) {
    position += 1
    let first = position
    var isASCII = true
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "\""):
        if !isASCII { _ = try Self.validated(text.extracting(first..<position), column: position + 1) }
        position += 1
        return (first..<position - 1, false)
      case UInt8(ascii: "\\"):
        let end = try Self.closingQuote(text, from: position)
        _ = try Self.unescaped(text.extracting(first..<end), from: first)
        position = end + 1
        return (first..<end, true)
      case 0..<0x20: throw error("a control character in a string must be escaped")
      case 0x80...:
        isASCII = false
        position += 1
      default: position += 1
      }
    }
    throw error("a string has no closing quote")
  }
}
