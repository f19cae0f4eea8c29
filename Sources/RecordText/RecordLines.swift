import ControlProtocol

/// Records with the line each came from: arguments count as lines, blank lines of a file are skipped but counted.
package struct RecordLines<Element> {
  package typealias Conversion = (JSONDocument) throws(RecordError) -> Element

  package private(set) var elements: [Element] = []
  /// The line of each element, from 1.
  package private(set) var lines: [Int] = []
  private var document = JSONDocument()

  /// None.
  package init() {}

  package enum Source {
    /// One element per argument.
    case arguments([String])
    /// One element per line of NDJSON.
    case text([UInt8])
  }

  package init(_ source: Source, _ convert: Conversion) throws(RecordLineError) {
    switch source {
    case .arguments(let arguments):
      for (index, argument) in arguments.enumerated() {
        try append(Array(argument.utf8).span, line: index + 1, convert)
      }
    case .text(let octets): try append(octets, octets.indices, firstLine: 1, convert)
    }
  }

  /// One element per line of a part of some NDJSON.
  init(
    _ octets: [UInt8], _ range: Range<Int>, firstLine: Int, capacity: Int, _ convert: Conversion
  ) throws(RecordLineError) {
    elements.reserveCapacity(capacity)
    lines.reserveCapacity(capacity)
    try append(octets, range, firstLine: firstLine, convert)
  }

  private mutating func append(
    _ octets: [UInt8], _ range: Range<Int>, firstLine: Int, _ convert: Conversion
  ) throws(RecordLineError) {
    var cursor = LineCursor(range, firstLine: firstLine)
    while let line = cursor.next(octets.span) {
      try append(octets.span.extracting(line), line: cursor.line, convert)
    }
  }

  private mutating func append(
    _ text: Span<UInt8>, line: Int, _ convert: Conversion
  ) throws(RecordLineError) {
    do throws(JSONError) {
      try document.read(text)
    } catch {
      throw RecordLineError(
        line: line, field: "record", rule: "is not JSON: \(error.rule) (column \(error.column))")
    }
    do throws(RecordError) {
      elements.append(try convert(document))
    } catch {
      throw RecordLineError(line: line, field: error.field, rule: error.rule)
    }
    lines.append(line)
  }
}
