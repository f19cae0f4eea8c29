import ArgumentParser
import ControlProtocol
import RecordText

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
    let outcome = try Daemon(options).apply(.upsert(UpsertRequest(records: input.elements)), lines: input.lines)
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
