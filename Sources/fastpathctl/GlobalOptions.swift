import ArgumentParser
import Glibc

/// Options of every command; accepted before the command's name too.
struct GlobalOptions: ParsableArguments {
  @Option(help: "The daemon's control socket (default: $FASTPATH_SOCKET, or /run/fastpath/fastpathd.sock).")
  var socket: String?

  @Flag(help: "Print machine-readable output.")
  var json = false

  var socketPath: String {
    if let socket { return socket }
    // Safe: getenv's string is copied at once, and nothing in this program changes the environment.
    if let value = unsafe getenv("FASTPATH_SOCKET") {
      let path = unsafe String(cString: value)
      if !path.isEmpty { return path }
    }
    return "/run/fastpath/fastpathd.sock"
  }

  /// Moves `--socket` and `--json` from before the command to behind it, where the parser wants them.
  static func hoisted(_ arguments: [String]) -> [String] {
    var leading: [String] = []
    var rest = arguments[...]
    while let first = rest.first {
      if first == "--json" || first.hasPrefix("--socket=") {
        leading.append(rest.removeFirst())
      } else if first == "--socket", rest.count >= 2 {
        leading.append(contentsOf: rest.prefix(2))
        rest = rest.dropFirst(2)
      } else {
        break
      }
    }
    guard let command = rest.popFirst() else { return arguments }
    return [command] + leading + rest
  }
}
