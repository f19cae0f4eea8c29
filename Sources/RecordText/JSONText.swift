/// Writing JSON: compact, members in the order given.
package enum JSONText {
  /// `text` in double quotes, escaped per RFC 8259 section 7.
  package static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// Digits as they are, a word in quotes.
  static func wordOrNumber(_ text: String) -> String {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? text : quoted(text)
  }

  /// An object of members whose values are JSON already.
  package static func object(_ members: [(String, String)]) -> String {
    "{" + members.map { quoted($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
  }
}
