import ArgumentParser
import ControlProtocol

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Shows the daemon, its tables, ports and queues; warnings first.")

  @OptionGroup var options: GlobalOptions

  func run() throws {
    var connection = try DaemonConnection(path: options.socketPath)
    var items: [StatusItem] = []
    var (reply, more) = try connection.call(.status)
    while true {
      guard case .status(let part) = reply else {
        throw CommandFailure.unreachable("the daemon answered STATUS with something else")
      }
      items.append(contentsOf: part)
      guard more else { break }
      (reply, more) = try connection.receive()
    }
    if options.json {
      print(StatusText.json(items))
    } else {
      for line in StatusText.screen(items) { print(line) }
    }
  }
}
