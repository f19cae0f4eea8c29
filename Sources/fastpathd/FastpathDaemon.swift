import ArgumentParser
import ControlPlane
import Glibc
import Logging
import SystemPackage

/// The command `fastpathd`: reads the configuration, runs the plane until it is asked to stop, and chooses the exit status.
@main
struct FastpathDaemon: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fastpathd",
    abstract: "The Proxy Mobile IPv6 forwarding plane.",
    discussion: """
      Logs to standard error. Ends on SIGTERM or SIGINT, reads its configuration again on SIGHUP. Exit status: 0 asked \
      to stop, 1 configuration, 2 environment (privilege, interface, kernel feature), 3 internal failure.
      """,
    version: version)

  /// Published by HELLO and `status`.
  static let version = "0.1.0"

  @Option(name: .customLong("config"), help: "The configuration file (YAML).")
  var path: String

  @Flag(help: "Only check the configuration; prints the effective values.")
  var checkConfig = false

  static func main() {
    do {
      let command = try parse()
      Glibc.exit(command.status())
    } catch {
      // --help and --version are no failures; anything else on the command line is the operator's to correct.
      guard exitCode(for: error) != .success else { exit(withError: error) }
      complain(fullMessage(for: error))
      Glibc.exit(ExitFailure.Kind.configuration.rawValue)
    }
  }

  private func status() -> Int32 {
    do throws(ExitFailure) {
      let configuration = try ConfigurationFile(path: path).read()
      if checkConfig {
        print(ConfigurationFile.effectiveText(configuration), terminator: "")
      } else {
        try serve(configuration)
      }
      return 0
    } catch {
      Self.complain(error.description)
      return error.kind.rawValue
    }
  }

  /// Runs until a signal asks for the end. Signals are blocked before any thread exists, so that none but the waiting
  /// main thread ever sees them.
  private func serve(_ configuration: DaemonConfiguration) throws(ExitFailure) {
    let signals = StopSignals()
    let inherited = try inheritedSocket()
    DescriptorLimit.raise()
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    let logger = Logger(label: "fastpathd")
    try Privileges.require()
    let daemon = try Daemon(configuration, inherited: inherited, logger: logger)
    ServiceNotifier.send("READY=1", logger: logger)
    logger.notice("forwarding", metadata: ["role": "\(configuration.role.rawValue)"])
    follow(signals, daemon, configuration, logger)
    ServiceNotifier.send("STOPPING=1", logger: logger)
    try daemon.stop()
  }

  private func inheritedSocket() throws(ExitFailure) -> InheritedSocket? {
    do throws(ControlSocketError) {
      return try InheritedSocket.fromEnvironment()
    } catch {
      throw .environment("fastpathd: \(error)")
    }
  }

  /// Until the request to stop: keeps the rates and answers SIGHUP.
  private func follow(
    _ signals: StopSignals, _ daemon: Daemon, _ configuration: DaemonConfiguration, _ logger: Logger
  ) {
    while true {
      switch signals.next() {
      case nil: daemon.tick()
      case .stop: return
      case .reload:
        logger.notice("reading the configuration again", metadata: ["file": "\(path)"])
        ConfigurationFile(path: path).reload(running: configuration, logger: logger)
      }
    }
  }

  private static func complain(_ text: String) {
    // Standard error is where CONTRACT wants it; there is nowhere else to say that it cannot be written.
    _ = try? FileDescriptor.standardError.writeAll("\(text)\n".utf8)
  }
}
