import ArgumentParser
import ControlProtocol
import FastpathClient

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Shows the daemon, its tables, ports and queues; warnings first.")

  @OptionGroup var options: GlobalOptions

  func run() throws {
    let items = try Daemon(options).ask { (daemon) throws(ClientError) in try daemon.status() }
    if options.json {
      print(StatusText.json(items))
    } else {
      for line in StatusText.screen(items) { print(line) }
    }
  }
}
