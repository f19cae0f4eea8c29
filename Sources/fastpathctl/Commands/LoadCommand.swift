import ArgumentParser
import ControlProtocol

struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Applies a file of records.",
    discussion: """
      The whole file is checked before anything is sent. Up to \(Self.recordsPerFrame) records are applied all or \
      nothing; a longer file goes in frames of that many, each all or nothing, in order: when the daemon refuses one, \
      its line is named and the frames before it stay applied.
      """)

  /// Records of one frame: below the protocol's payload limit at the largest record (208 octets with its tag).
  static let recordsPerFrame = 16384

  @OptionGroup var options: GlobalOptions

  @Argument(help: "NDJSON file, or - for standard input.")
  var file: String

  @Flag(help: "Swap the whole content atomically (not served yet: refused).")
  var replace = false

  func run() throws {
    guard !replace else {
      throw CommandFailure.refused(
        "--replace is not served by this version: load without it (records not in the file stay), or delete them first")
    }
    let input = try RecordLines(ndjson: try FileInput.read(file)) { (value) throws(RecordError) in
      try RecordJSON.record(value)
    }
    var connection = try DaemonConnection(path: options.socketPath)
    let outcome = try Self.load(input, into: &connection)
    if options.json {
      print(
        JSONText.object([
          ("records", "\(input.elements.count)"), ("applied", "\(outcome.applied)"),
          ("unchanged", "\(outcome.unchanged)"), ("generation", "\(outcome.generation)"),
        ]))
    } else {
      print("applied \(outcome.applied), unchanged \(outcome.unchanged), generation \(outcome.generation)")
    }
  }

  /// Sends the records in frames; the sums of the outcomes come back.
  private static func load(
    _ input: RecordLines<TableRecord>, into connection: inout DaemonConnection
  ) throws(CommandFailure) -> Outcome {
    let size = min(recordsPerFrame, connection.hello.limits.recordsPerFrame)
    let count = input.elements.count
    var total = Outcome(generation: connection.hello.generation)
    var range = 0..<min(size, count)
    var frame = try encode(input.elements[range], for: &connection)
    while !range.isEmpty {
      try connection.send(frame)
      let next = range.upperBound..<min(range.upperBound + size, count)
      // Encoded while the daemon works, sent only after its word: nothing behind a refused frame may be applied.
      frame = try encode(input.elements[next], for: &connection)
      let outcome = try receive(from: &connection, lines: Array(input.lines[range]), applied: total)
      total.applied += outcome.applied
      total.unchanged += outcome.unchanged
      total.generation = outcome.generation
      range = next
    }
    return total
  }

  private static func encode(
    _ records: ArraySlice<TableRecord>, for connection: inout DaemonConnection
  ) throws(CommandFailure) -> [UInt8] {
    guard let frame = connection.frame(.upsert(UpsertRequest(records: Array(records))), flags: .atomic) else {
      throw .refused("a frame of \(records.count) records is larger than the daemon's limit")
    }
    return frame
  }

  /// One outcome; a refusal also says what of this call is applied already.
  private static func receive(
    from connection: inout DaemonConnection, lines: [Int], applied: Outcome
  ) throws(CommandFailure) -> Outcome {
    do throws(CommandFailure) {
      guard case .outcome(let outcome) = try connection.receive(lines: lines).reply else {
        throw .unreachable("the daemon answered UPSERT with something else than an outcome")
      }
      return outcome
    } catch {
      let done = applied.applied + applied.unchanged
      if done > 0 { Output.complain("the first \(done) records of the file are applied") }
      throw error
    }
  }
}
