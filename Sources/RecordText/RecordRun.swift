import ControlProtocol

/// Some lines of an NDJSON text that become one frame: they can be read on any thread, apart from the others.
package struct RecordRun: Sendable {
  /// Where in the text its lines are.
  let range: Range<Int>
  let firstLine: Int
  /// Records in it: its lines that are not blank.
  package let count: Int

  /// Cuts a text into runs of `size` records; the last one has fewer.
  package static func runs(of size: Int, in octets: [UInt8]) -> [RecordRun] {
    var runs: [RecordRun] = []
    var cursor = LineCursor(octets.indices)
    var (start, firstLine, count) = (0, 1, 0)
    while cursor.next(octets.span) != nil {
      count += 1
      guard count == size else { continue }
      runs.append(RecordRun(range: start..<cursor.nextStart, firstLine: firstLine, count: count))
      (start, firstLine, count) = (cursor.nextStart, cursor.line + 1, 0)
    }
    if count > 0 { runs.append(RecordRun(range: start..<octets.count, firstLine: firstLine, count: count)) }
    return runs
  }

  /// Reads its records.
  package func records(_ octets: [UInt8]) throws(RecordLineError) -> [TableRecord] {
    try RecordLines(octets, range, firstLine: firstLine, capacity: count) { (document) throws(RecordError) in
      try RecordJSON.record(document)
    }.elements
  }

  /// The line of one of its records.
  ///
  /// - Parameter index: from 0.
  package func line(_ index: Int, _ octets: [UInt8]) -> Int {
    var cursor = LineCursor(range, firstLine: firstLine)
    for _ in 0..<index { _ = cursor.next(octets.span) }
    _ = cursor.next(octets.span)
    return cursor.line
  }
}
