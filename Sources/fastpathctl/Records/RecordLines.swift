import ControlProtocol

/// Records with the line each came from: arguments count as lines, blank lines of a file are skipped but counted.
struct RecordLines<Element> {
  private(set) var elements: [Element] = []
  /// The line of each element, from 1.
  private(set) var lines: [Int] = []

  /// One element per argument.
  init(
    arguments: [String], _ convert: (JSONValue) throws(RecordError) -> Element
  ) throws(CommandFailure) {
    for (index, argument) in arguments.enumerated() {
      let octets = Array(argument.utf8)
      try append(octets, octets.indices, line: index + 1, convert)
    }
  }

  /// One element per line of NDJSON.
  init(ndjson octets: [UInt8], _ convert: (JSONValue) throws(RecordError) -> Element) throws(CommandFailure) {
    var line = 1
    var start = 0
    while start < octets.count {
      let end = octets[start...].firstIndex(of: 0x0a) ?? octets.count
      if !octets[start..<end].allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) {
        try append(octets, start..<end, line: line, convert)
      }
      start = end + 1
      line += 1
    }
  }

  /// Arguments of `set` and `delete`: records, or a lone `-` for NDJSON on standard input.
  init(
    argumentsOrInput arguments: [String], _ convert: (JSONValue) throws(RecordError) -> Element
  ) throws(CommandFailure) {
    guard arguments.contains("-") else {
      try self.init(arguments: arguments, convert)
      return
    }
    guard arguments.count == 1 else {
      throw .refused("\"-\" (standard input) cannot be mixed with records as arguments")
    }
    try self.init(ndjson: try FileInput.readStandardInput(), convert)
  }

  private mutating func append(
    _ octets: [UInt8], _ range: Range<Int>, line: Int, _ convert: (JSONValue) throws(RecordError) -> Element
  ) throws(CommandFailure) {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONParser.parse(octets, range)
    } catch {
      throw .record(line: line, field: "record", rule: "is not JSON: \(error.rule) (column \(error.column))")
    }
    do throws(RecordError) {
      elements.append(try convert(value))
    } catch {
      throw .record(line: line, field: error.field, rule: error.rule)
    }
    lines.append(line)
  }
}
