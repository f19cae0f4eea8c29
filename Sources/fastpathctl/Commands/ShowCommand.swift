import ArgumentParser
import ControlProtocol
import FastpathClient
import FlowTable
import RecordText

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows an entry with its counters.",
    discussion: """
      KEY is an address (the longest match is shown), a prefix (exactly that one), a tunnel LOCAL,REMOTE, or a \
      localized route FROM,TO.
      """)

  @OptionGroup var options: GlobalOptions

  @Argument(help: "ADDRESS, PREFIX, LOCAL,REMOTE or FROM,TO.")
  var key: String

  func run() throws {
    let request = try Self.request(key)
    let entries: [LookupEntry]
    do throws(CommandFailure) {
      entries = try Daemon(options).ask { (daemon) throws(ClientError) in try daemon.lookup(request) }
    } catch {
      guard case .refused(let reason) = error else { throw error }
      throw CommandFailure.refused("\(key): \(reason)")
    }
    guard !entries.isEmpty else { throw CommandFailure.refused("\(key): not found") }
    for (index, entry) in entries.enumerated() {
      if options.json {
        print(Self.json(entry))
      } else {
        if index > 0 { print() }
        for line in EntryText.lines(entry) { print(line) }
      }
    }
  }

  private static func request(_ key: String) throws(CommandFailure) -> LookupRequest {
    let parts = key.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    do throws(PrefixTextError) {
      switch parts.count {
      case 1 where key.contains("/"): return .prefix(try WirePrefix(text: key))
      case 1: return .address(try address(key))
      case 2 where key.contains("/"):
        return .route(from: try WirePrefix(text: parts[0]), to: try WirePrefix(text: parts[1]))
      case 2: return .tunnel(WireTunnel(local: try address(parts[0]), remote: try address(parts[1])))
      default: throw PrefixTextError(rule: "has more than two parts")
      }
    } catch {
      throw .refused("\(key): \(error.rule)")
    }
  }

  private static func address(_ text: String) throws(PrefixTextError) -> WireAddress {
    guard let address = IPAddress(text: text) else {
      throw PrefixTextError(rule: "\"\(text)\" is not an IPv6 or IPv4 address")
    }
    return WireAddress(address)
  }

  private static func json(_ entry: LookupEntry) -> String {
    let traffic = entry.traffic
    let counters = JSONText.object([
      ("up", JSONText.object([("packets", "\(traffic.upPackets)"), ("bytes", "\(traffic.upBytes)")])),
      ("down", JSONText.object([("packets", "\(traffic.downPackets)"), ("bytes", "\(traffic.downBytes)")])),
    ])
    var members = RecordJSON.members(entry.record)
    if case .tunnel(let tunnel) = entry.record { members.append(("users", "\(tunnel.users)")) }
    return JSONText.object(members + [("counters", counters)])
  }
}
