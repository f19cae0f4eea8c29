import ArgumentParser
import ControlProtocol

struct SetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Applies records, all or nothing.",
    discussion: "A record replaces the one with the same key. All records of one call take effect at one moment.")

  @OptionGroup var options: GlobalOptions

  @Argument(help: "Records as JSON objects, or - for one per line on standard input.")
  var records: [String]

  func run() throws {
    let input = try RecordLines(argumentsOrInput: records) { (value) throws(RecordError) in
      try RecordJSON.record(value)
    }
    var connection = try DaemonConnection(path: options.socketPath)
    let outcome = try connection.apply(
      .upsert(UpsertRequest(records: input.elements)), count: input.elements.count, lines: input.lines)
    if options.json {
      print(
        JSONText.object([
          ("applied", "\(outcome.applied)"), ("unchanged", "\(outcome.unchanged)"),
          ("generation", "\(outcome.generation)"),
        ]))
    } else {
      print("applied \(outcome.applied), unchanged \(outcome.unchanged), generation \(outcome.generation)")
    }
  }
}

extension DaemonConnection {
  /// Sends an atomic UPSERT or DELETE that must fit one frame.
  mutating func apply(_ request: Request, count: Int, lines: [Int]) throws(CommandFailure) -> Outcome {
    let limit = hello.limits
    guard count <= limit.recordsPerFrame, let frame = frame(request, flags: .atomic) else {
      throw .refused(
        "\(count) records do not fit one all-or-nothing frame "
          + "(\(limit.recordsPerFrame) records, \(limit.payloadOctets) octets): use load, or several calls")
    }
    try send(frame)
    guard case .outcome(let outcome) = try receive(lines: lines).reply else {
      throw .unreachable("the daemon answered with something else than an outcome")
    }
    return outcome
  }
}
