import Glibc

/// Walks the lines of a text that have something in them; blank ones are skipped but counted.
struct LineCursor {
  private var position: Int
  private let end: Int
  /// The number of the line that `next` gave last, from 1.
  private(set) var line: Int

  /// - Parameter firstLine: the number of the line that begins at `range`.
  init(_ range: Range<Int>, firstLine: Int = 1) {
    position = range.lowerBound
    end = range.upperBound
    line = firstLine - 1
  }

  /// The octets of the next line that is not blank, without its line feed.
  mutating func next(_ text: Span<UInt8>) -> Range<Int>? {
    while position < end {
      let start = position
      let lineEnd = Self.lineFeed(text, start..<end)
      position = lineEnd + 1
      line += 1
      for index in start..<lineEnd where text[index] != 0x20 && text[index] != 0x09 && text[index] != 0x0d {
        return start..<lineEnd
      }
    }
    return nil
  }

  /// Where the next line begins.
  var nextStart: Int { min(position, end) }

  private static func lineFeed(_ text: Span<UInt8>, _ range: Range<Int>) -> Int {
    // Safe: memchr reads exactly the octets of the span it is given, and its answer lies among them.
    unsafe text.extracting(range).withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, let found = unsafe memchr(base, 0x0a, bytes.count) else {
        return range.upperBound
      }
      return unsafe range.lowerBound + base.distance(to: UnsafeRawPointer(found))
    }
  }
}

/// A line of a text that is no record.
package struct RecordLineError: Error {
  /// From 1.
  package let line: Int
  package let field: String
  package let rule: String
}
