import ControlProtocol
import Foundation
import RecordText
import Testing

/// The reader of JSON against Foundation's: both take a text or both refuse it.
@Suite("JSON texts")
struct JSONDocumentTests {
  private static func takes(_ text: [UInt8]) -> Bool {
    var document = JSONDocument()
    return (try? document.read(text.span)) != nil
  }

  @Test(
    "Values that are JSON",
    arguments: [
      "{}", "[]", " [ 1 , 2 ] ", "\"\"", "0", "-0", "-1.5e+3", "1E5", "9223372036854775807", "-9223372036854775808",
      "true",
      "null", "{\"a\":{\"b\":[true,false,null]}}", "\"\\u00e9\\ud83d\\ude00\\n\\/\"", "\"\u{e9}\u{1f600}\"",
      "{\"\\u0074able\":1}", "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]",
    ])
  func good(text: String) throws {
    #expect(Self.takes(Array(text.utf8)), "\(text)")
    #expect((try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) != nil, "\(text)")
  }

  @Test(
    "Values that are not",
    arguments: [
      "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "'a'", "\"", "\"\\", "\"\\\"", "\"\\x\"",
      "\"\\u12\"",
      "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\u{1}\"", "01", "1.", ".5", "1e", "+1", "-", "1.e5", "tru",
      "truex", "nul", "1 2", "{} {}", "[1 2]", "--1", "1e5.5", "\u{feff}1",
    ])
  func bad(text: String) {
    #expect(!Self.takes(Array(text.utf8)), "\(text)")
  }

  @Test("Strings that are not UTF-8 are refused, with and without escapes")
  func encoding() {
    for octets: [UInt8] in [[0x80], [0xc3], [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]] {
      #expect(!Self.takes([0x22] + octets + [0x22]))
      #expect(!Self.takes([0x22, 0x5c, 0x6e] + octets + [0x22]))
      #expect(!Self.takes([0x7b, 0x22] + octets + [0x22, 0x3a, 0x31, 0x7d]))
    }
  }

  @Test("Numbers beyond 64 bits are refused, and not rounded")
  func range() {
    for text in ["9223372036854775808", "-9223372036854775809", "123456789012345678901234567890", "1e999"] {
      #expect(!Self.takes(Array(text.utf8)), "\(text)")
    }
  }

  @Test("A key or a value in escapes is the same key or value")
  func escapes() throws {
    let plain = "{\"peer\":\"2001:db8::1\",\"state\":\"failed\"}"
    let escaped = "{\"p\\u0065er\":\"2001\\u003adb8::1\",\"\\u0073tate\":\"fail\\u0065d\"}"
    let records = try [plain, escaped].map { text in
      try RecordLines(.arguments([text])) { (document) throws(RecordError) in try RecordJSON.record(document) }.elements
    }
    #expect(records[0] == records[1])
    #expect(throws: RecordLineError.self) {
      try RecordLines(.arguments(["{\"peer\":\"::1\",\"p\\u0065er\":\"::1\",\"state\":\"failed\"}"])) {
        (document) throws(RecordError) in try RecordJSON.record(document)
      }
    }
  }

  @Test("Random octets of JSON's alphabet: what Foundation takes is taken, save what records cannot have")
  func random() {
    var generator = SeededGenerator(seed: TestSeed.value)
    let pieces = ["{", "}", "[", "]", ":", ",", "\"a\"", "\"", "1", "-", "0", ".5", "e1", "true", "null", " ", "\\n"]
    var good = 0
    for _ in 0..<50_000 {
      let count = Int.random(in: 1...9, using: &generator)
      let text = (0..<count).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
      // Foundation takes a comma before a closing bracket, against RFC 8259 sections 4 and 5.
      let squeezed = text.filter { $0 != " " && $0 != "\n" }
      guard !squeezed.contains(",]") && !squeezed.contains(",}") else { continue }
      let isJSON = (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) != nil
      good += isJSON ? 1 : 0
      guard Self.takes(Array(text.utf8)) == isJSON else {
        Issue.record("\(text) is JSON to one reader only; \(TestSeed.rerun)")
        return
      }
    }
    #expect(good > 200)
    #expect(!Self.takes(Array("[null,]".utf8)) && !Self.takes(Array("{\"a\":1,}".utf8)))
  }
}
