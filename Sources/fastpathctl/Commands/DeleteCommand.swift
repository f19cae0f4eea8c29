import ArgumentParser
import ControlProtocol
import RecordText

struct DeleteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Deletes records by key, all or nothing.",
    discussion: """
      Deleting what is absent is success. A binding's "expect" is the tunnel remote it must still have; with another \
      one there the call is refused as stale. {"remote":ADDRESS}, with "table" for one cache only, is every binding \
      whose tunnel has that remote: nothing is forwarded by its tunnels while they go.
      """)

  @OptionGroup var options: GlobalOptions

  @Argument(help: "Keys as JSON objects, or - for one per line on standard input.")
  var records: [String]

  func run() throws {
    let input = try RecordLines(argumentsOrInput: records) { (value) throws(RecordError) in
      try RecordJSON.key(value)
    }
    let outcome = try Daemon(options).apply(.delete(DeleteRequest(keys: input.elements)), lines: input.lines)
    if options.json {
      print(
        JSONText.object([
          ("deleted", "\(outcome.applied)"), ("absent", "\(outcome.unchanged)"),
          ("generation", "\(outcome.generation)"),
        ]))
    } else {
      print("deleted \(outcome.applied), absent \(outcome.unchanged), generation \(outcome.generation)")
    }
  }
}
