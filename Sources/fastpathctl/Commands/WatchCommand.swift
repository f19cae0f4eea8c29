import ArgumentParser
import ControlProtocol
import FastpathClient
import Glibc
import RecordText
import Synchronization

/// Set by SIGINT and SIGTERM while `watch` runs.
private let isInterrupted = Atomic(false)

struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Prints events as NDJSON until interrupted.",
    discussion: """
      One object a line: "event" is its kind, "at" the time in seconds since 1970. After "overflow" some events were \
      not seen: dump the tables again to know what they hold.
      """)

  /// Longest time from a signal between two waits to the end of the command.
  private static let wait = Duration.milliseconds(200)
  /// Nobody's entries: an owner is not told of its own changes, and those of other fastpathctl commands are owner 0's.
  private static let owner = UInt32.max

  @OptionGroup var options: GlobalOptions

  func run() throws {
    let daemon = try Daemon(options, owner: Self.owner)
    guard daemon.connection.hello.minor >= 1 else { throw Self.unserved }
    do throws(ClientError) {
      try daemon.connection.subscribe()
    } catch .refused(.unsupported, _) {
      throw Self.unserved
    } catch {
      throw CommandFailure(error)
    }
    isInterrupted.store(false, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] {
      _ = signal(number) { _ in isInterrupted.store(true, ordering: .relaxed) }
    }
    var output = Output.standardOutput()
    while !isInterrupted.load(ordering: .relaxed) {
      var wait = Self.wait
      while let event = try daemon.ask({ (daemon) throws(ClientError) in try daemon.nextEvent(within: wait) }) {
        output.line(EventText.json(event))
        if event.kind == EventKind.overflow.rawValue {
          Output.complain("events were lost: dump the tables again to know what they hold")
        }
        wait = .zero
      }
      output.flush()
    }
  }

  private static let unserved = CommandFailure.refused("the daemon does not serve watch: use a newer fastpathd")
}
