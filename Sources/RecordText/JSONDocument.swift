/// One JSON text (RFC 8259) and where its values are in it; read again and again, it allocates nothing more.
///
/// An object keeps all its members in the order of the text, also those with equal keys: `RecordFields` refuses them by
/// name.
package struct JSONDocument: Sendable {
  private var octets: [UInt8] = []
  private var parser = JSONParser()

  package init() {}

  /// Takes in exactly `text`; whitespace around the value is allowed. After a failure there is no value.
  package mutating func read(_ text: Span<UInt8>) throws(JSONError) {
    octets.removeAll(keepingCapacity: true)
    try parser.parse(text)
    // Safe: the buffer is copied from and does not leave the closure.
    unsafe text.withUnsafeBufferPointer { buffer in unsafe octets.append(contentsOf: buffer) }
  }

  func node(_ index: Int) -> JSONNode { parser.nodes[index] }

  /// The first member of an object with this key.
  func member(_ key: RecordKey, of object: Int) -> Int? {
    let end = parser.nodes[object].next
    var index = object + 1
    while index < end {
      if parser.nodes[index].key == key { return index }
      index = parser.nodes[index].next
    }
    return nil
  }

  /// Whether a value is the string `word`, which has no escapes.
  func isString(_ index: Int, _ word: StaticString) -> Bool {
    let node = parser.nodes[index]
    guard node.kind == .string else { return false }
    guard !node.isEscaped else { return string(index) == word.description }
    guard node.end - node.start == word.utf8CodeUnitCount else { return false }
    // Safe: the word's octets are read inside the closure, as many as were compared above.
    return word.withUTF8Buffer { buffer in
      for offset in 0..<buffer.count where unsafe octets[node.start + offset] != buffer[offset] { return false }
      return true
    }
  }

  /// The text of a string, of a number, and so on.
  func string(_ index: Int) -> String {
    let node = parser.nodes[index]
    return text(node.start..<node.end, isEscaped: node.isEscaped)
  }

  func keyText(_ index: Int) -> String {
    let node = parser.nodes[index]
    return text(node.keyRange, isEscaped: node.isKeyEscaped)
  }

  func integer(_ index: Int) -> Int64? {
    let node = parser.nodes[index]
    guard node.kind == .integer else { return nil }
    var value: Int64 = 0
    // Its syntax and range were checked when it was read.
    let isNegative = octets[node.start] == UInt8(ascii: "-")
    for position in (isNegative ? node.start + 1 : node.start)..<node.end {
      let digit = Int64(octets[position] & 0xf)
      value = isNegative ? value * 10 - digit : value * 10 + digit
    }
    return value
  }

  /// Calls `body` with a string's octets, escapes resolved.
  func withOctets<Result>(_ index: Int, _ body: (Span<UInt8>) -> Result) -> Result {
    let node = parser.nodes[index]
    guard node.isEscaped else { return body(octets.span.extracting(node.start..<node.end)) }
    return body(Array(string(index).utf8).span)
  }

  private func text(_ range: Range<Int>, isEscaped: Bool) -> String {
    guard isEscaped else { return String(decoding: octets[range], as: UTF8.self) }
    // Its escapes were understood when it was read.
    return (try? JSONParser.unescaped(octets.span.extracting(range), from: 0)) ?? ""
  }
}

/// For callers with keys of their own beside the record's.
extension JSONDocument {
  package var isObject: Bool { node(0).kind == .object }

  /// For messages: what kind of value the text is.
  package var kindText: String { node(0).kindText }

  /// Whether the object has this member.
  package func has(_ key: RecordKey) -> Bool { member(key, of: 0) != nil }

  package func isString(_ key: RecordKey, _ word: StaticString) -> Bool {
    member(key, of: 0).map { isString($0, word) } ?? false
  }

  /// A number with or without a fraction; nil when the member is none.
  package func fraction(_ key: RecordKey) -> Double? {
    guard let index = member(key, of: 0), [.integer, .fraction].contains(node(index).kind) else { return nil }
    return Double(string(index))
  }
}
