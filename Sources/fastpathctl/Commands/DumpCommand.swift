import ArgumentParser
import ControlProtocol

struct DumpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump",
    abstract: "Prints every record as NDJSON.",
    discussion: "The output of a dump of all tables, given to load, restores them.")

  enum Table: String, ExpressibleByArgument, CaseIterable {
    case bindings, tunnels, routes, visitors, peers

    var number: TableNumber {
      switch self {
      case .bindings: .bindings
      case .tunnels: .tunnels
      case .routes: .routes
      case .visitors: .visitors
      case .peers: .peers
      }
    }
  }

  @OptionGroup var options: GlobalOptions

  @Option(help: "Only this table.")
  var table: Table?

  func run() throws {
    var connection = try DaemonConnection(path: options.socketPath)
    var output = Output.standardOutput()
    var reply = try connection.call(.dump(DumpRequest(table: table?.number))).reply
    while true {
      guard case .dump(let slice) = reply else {
        throw CommandFailure.unreachable("the daemon answered DUMP with something else")
      }
      guard !slice.records.isEmpty else { break }
      for record in slice.records { output.line(RecordJSON.text(record)) }
      reply = try connection.receive().reply
    }
    output.flush()
  }
}
