import ArgumentParser
import ControlProtocol

struct CountersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "counters", abstract: "Prints every counter that is not zero.")

  @OptionGroup var options: GlobalOptions

  @Flag(help: "Zero values too.")
  var all = false

  func run() throws {
    var connection = try DaemonConnection(path: options.socketPath)
    var items: [CounterItem] = []
    var (reply, more) = try connection.call(.counters(CountersRequest(all: all)))
    while true {
      guard case .counters(let part) = reply else {
        throw CommandFailure.unreachable("the daemon answered COUNTERS with something else")
      }
      items.append(contentsOf: part)
      guard more else { break }
      (reply, more) = try connection.receive()
    }
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
