import ControlPlane
import Logging

/// The configuration file: read at the start, and again on SIGHUP.
struct ConfigurationFile {
  /// The optional behaviours that this version has; a configuration that asks for another one is refused by name.
  private static let features: Set<ConfigurationFeature> = [.metrics]

  let path: String

  /// Reads and checks the file.
  /// - Throws: status 1 with one line `FILE: key: rule` for each fault.
  func read() throws(ExitFailure) -> DaemonConfiguration {
    do throws(ConfigurationError) {
      return try DaemonConfiguration(path: path, purpose: .daemon, supporting: [.metrics, .unboundUnreachable])
    } catch {
      throw .configuration(error.description)
    }
  }

  /// What `--check-config` prints: the effective values as a configuration, and what replay would use where the daemon
  /// asks the interface.
  static func effectiveText(_ configuration: DaemonConfiguration) -> String {
    var text = configuration.text(purpose: .daemon)
    for index in configuration.ports.indices {
      let port = configuration.ports[index]
      guard port.mac == nil || port.mtu == nil else { continue }
      let mac = configuration.effectiveMAC(ofPort: index, purpose: .replay).map { " mac \($0)" } ?? ""
      let mtu = configuration.effectiveMTU(ofPort: index, purpose: .replay).map { " mtu \($0)" } ?? ""
      text += "# replay: port \(port.name):\(mac)\(mtu)\n"
    }
    return text
  }

  /// SIGHUP: checks the file again and says which keys differ from the running ones. All of them need a restart: ports,
  /// addresses and pools are built into workers and the steering program, the rest into the registry of the tables.
  func reload(running: DaemonConfiguration, logger: Logger) {
    do throws(ExitFailure) {
      let changed = Self.differences(running, try read())
      if changed.isEmpty {
        logger.notice("the configuration is unchanged")
      } else {
        logger.warning(
          "changed keys take effect at the next start", metadata: ["keys": "\(changed.joined(separator: " "))"])
      }
    } catch {
      logger.error("the configuration is refused, the running one stays", metadata: ["reason": "\(error)"])
    }
  }

  /// Top-level keys whose values differ, from the two effective texts: one line a key, or a section of lines.
  private static func differences(_ running: DaemonConfiguration, _ read: DaemonConfiguration) -> [String] {
    let before = sections(running.text(purpose: .daemon))
    let after = sections(read.text(purpose: .daemon))
    return Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
  }

  private static func sections(_ text: String) -> [String: String] {
    var sections: [String: String] = [:]
    var key = ""
    for line in text.split(separator: "\n") {
      if !line.hasPrefix(" "), let colon = line.firstIndex(of: ":") { key = String(line[..<colon]) }
      sections[key, default: ""] += line + "\n"
    }
    return sections
  }
}
