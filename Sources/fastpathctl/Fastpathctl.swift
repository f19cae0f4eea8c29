import ArgumentParser
import Glibc

/// The command-line client of the forwarding plane.
@main
struct Fastpathctl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fastpathctl",
    abstract: "Reads and changes the tables of a running fastpathd.",
    discussion: """
      Every command takes --socket PATH and --json, before or after its name.
      Exit status: 0 done, 1 refused (the reason is on standard error), 2 the daemon cannot be reached.
      """,
    subcommands: [
      StatusCommand.self, SetCommand.self, DeleteCommand.self, ShowCommand.self, DumpCommand.self, LoadCommand.self,
      CountersCommand.self, WatchCommand.self, DetachCommand.self, ReplayCommand.self,
    ])

  static func main() {
    do {
      var command = try parseAsRoot(GlobalOptions.hoisted(Array(CommandLine.arguments.dropFirst())))
      try command.run()
    } catch let failure as CommandFailure {
      Output.complain(failure.message)
      Glibc.exit(failure.exitStatus)
    } catch {
      // Help is not a failure; a wrong command line is a refusal.
      guard exitCode(for: error) == .success else {
        Output.complain(fullMessage(for: error))
        Glibc.exit(1)
      }
      print(fullMessage(for: error))
    }
  }
}
