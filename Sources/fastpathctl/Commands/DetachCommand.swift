import ArgumentParser
import CXdp
import Glibc
import RecordText

struct DetachCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detach",
    abstract: "Emergency: removes this program's XDP attachment from an interface.",
    discussion: """
      Works with or without a running daemon; a daemon that runs forwards nothing from this interface afterwards. A \
      program of somebody else stays. Needs root.
      """)

  @OptionGroup var options: GlobalOptions

  @Argument(help: "Name of the network interface.")
  var interface: String

  func run() throws {
    // Safe: the name is passed as a terminated string for this call only.
    let index = unsafe if_nametoindex(interface)
    guard index != 0 else { throw CommandFailure.refused("no interface is named \(interface) in this namespace") }
    let result = fp_detach_interface(index)
    // Nothing there is what was asked for.
    guard result >= 0 || result == -ENOENT else { throw Self.failure(interface, -result) }
    let detached = result != -ENOENT
    if options.json {
      print(JSONText.object([("interface", JSONText.quoted(interface)), ("detached", "\(detached)")]))
    } else {
      print(detached ? "\(interface): detached" : "\(interface): nothing was attached")
    }
  }

  private static func failure(_ interface: String, _ code: Int32) -> CommandFailure {
    guard geteuid() == 0 else { return .refused("detaching from \(interface) needs root") }
    guard code != EPERM else {
      return .refused("the XDP program on \(interface) is not this one's, or may not be touched: it stays")
    }
    // Safe: strerror returns a terminated string, copied before anything else runs.
    return .refused("cannot detach from \(interface): \(unsafe String(cString: strerror(code)))")
  }
}
