import ArgumentParser
import ControlProtocol
import FastpathClient
import RecordText

struct CountersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "counters", abstract: "Prints every counter that is not zero.")

  @OptionGroup var options: GlobalOptions

  @Flag(help: "Zero values too.")
  var all = false

  func run() throws {
    let items = try Daemon(options).ask { (daemon) throws(ClientError) in try daemon.counters(all: all) }
    var output = Output.standardOutput()
    if options.json {
      output.line(JSONText.object(items.map { ($0.name, "\($0.value)") }))
    } else {
      let width = items.map(\.name.count).max() ?? 0
      for item in items {
        output.line(item.name + String(repeating: " ", count: width - item.name.count + 2) + "\(item.value)")
      }
    }
    output.flush()
  }
}
