import ArgumentParser
import ControlProtocol
import FastpathClient
import RecordText

struct DumpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump",
    abstract: "Prints every record as NDJSON.",
    discussion: "The output of a dump of all tables, given to load, restores them.")

  enum Table: String, ExpressibleByArgument, CaseIterable {
    case bindings, pmip, mip, tunnels, routes, visitors, peers

    var number: TableNumber {
      switch self {
      case .bindings, .pmip, .mip: .bindings
      case .tunnels: .tunnels
      case .routes: .routes
      case .visitors: .visitors
      case .peers: .peers
      }
    }

    /// Of a record of the table with the number: `pmip` and `mip` are parts of the bindings.
    func contains(_ record: TableRecord) -> Bool {
      guard case .binding(let binding) = record else { return true }
      return switch self {
      case .pmip: binding.table == .proxy
      case .mip: binding.table == .mobile
      default: true
      }
    }
  }

  @OptionGroup var options: GlobalOptions

  @Option(help: "Only this table.")
  var table: Table?

  func run() throws {
    let daemon = try Daemon(options)
    var output = Output.standardOutput()
    // A slice at a time: a dump of any size needs the memory of one.
    try daemon.ask { (daemon) throws(ClientError) in
      try daemon.dump(table?.number) { (records) throws(ClientError) in
        for record in records where table?.contains(record) ?? true { output.line(RecordJSON.text(record)) }
      }
    }
    output.flush()
  }
}
