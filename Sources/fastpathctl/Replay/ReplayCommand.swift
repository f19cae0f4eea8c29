import ArgumentParser
import Assembly
import ControlPlane
import ControlProtocol
import FlowTable
import RecordText

/// `fastpathctl replay`: the daemon's own pipeline over capture files, without privilege, socket or interface.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Runs the same pipeline offline over capture files.",
    discussion: """
      The packets' timestamps are the clock. Writes to DIR: PORT.pcap for every port, kernel.pcap, kernel.ndjson, \
      verdicts.ndjson, counters.json and events.ndjson.
      """)

  @OptionGroup var options: GlobalOptions

  @Option(help: "The daemon's configuration; interfaces are not needed.")
  var config: String

  @Option(help: "NDJSON records to start with.")
  var load: String?

  @Option(help: "NDJSON records with \"at\" (seconds after the first packet) and \"op\" (\"set\" or \"delete\").")
  var script: String?

  @Option(name: .customLong("in"), help: "PORT=FILE.pcap; once for each port.")
  var inputs: [String] = []

  @Option(name: .customLong("out"), help: "Directory for the results.")
  var directory: String

  func run() throws {
    let configuration: DaemonConfiguration
    do throws(ConfigurationError) {
      configuration = try DaemonConfiguration(
        path: config, purpose: .replay, supporting: [.metrics, .unboundUnreachable])
    } catch {
      throw CommandFailure.refused(error.description)
    }
    let arrivals = try self.arrivals(configuration)
    let operations = try scriptedOperations()
    let domain: OfflineDomain
    do {
      domain = try OfflineDomain(configuration: configuration)
    } catch {
      throw CommandFailure.refused("cannot set up the tables: \(error)")
    }
    try start(domain, at: arrivals.first?.packet.time ?? 0)
    var run = ReplayRun(domain: domain)
    run.play(arrivals, script: operations)
    for complaint in run.complaints { Output.complain(complaint) }
    try run.output.write(to: directory, counters: domain.counters)
    let faults = domain.faults
    guard faults.isEmpty else {
      throw CommandFailure.refused("internal failure, please report it: \(faults.joined(separator: "; "))")
    }
    if options.json {
      print(JSONText.object([("packets", "\(arrivals.count)"), ("refused", "\(run.complaints.count)")]))
    }
  }

  /// All packets by time, those of equal time in the order of the `--in` options.
  private func arrivals(_ configuration: DaemonConfiguration) throws(CommandFailure) -> [ReplayRun.Arrival] {
    var arrivals: [ReplayRun.Arrival] = []
    var seen: Set<UInt8> = []
    for input in inputs {
      let parts = input.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { throw .refused("--in \(input): must be PORT=FILE.pcap") }
      guard let port = configuration.portIndex(named: String(parts[0])) else {
        let known = configuration.ports.map(\.name).joined(separator: ", ")
        throw .refused("--in \(input): no port \(parts[0]) in \(config) (ports: \(known))")
      }
      guard seen.insert(port).inserted else { throw .refused("--in \(input): port \(parts[0]) is given twice") }
      for packet in try CaptureFile.read(String(parts[1])) {
        arrivals.append(ReplayRun.Arrival(port: Int(port), packet: packet))
      }
    }
    // By position as well: the order of equal times is part of the contract, and `sorted` does not promise stability.
    return arrivals.enumerated()
      .sorted { ($0.element.packet.time, $0.offset) < ($1.element.packet.time, $1.offset) }.map(\.element)
  }

  private func scriptedOperations() throws(CommandFailure) -> RecordLines<ScriptedOperation> {
    guard let script else { return RecordLines() }
    do throws(CommandFailure) {
      return try RecordLines(file: script, ScriptedOperation.init)
    } catch .record(let line, let field, let rule) {
      throw .refused("\(script): line \(line): \(field): \(rule)")
    } catch {
      throw error
    }
  }

  private func start(_ domain: OfflineDomain, at now: UInt64) throws(CommandFailure) {
    guard let load else { return }
    let records = try RecordLines(file: load) { (value) throws(RecordError) in
      try RecordJSON.record(value)
    }
    let (outcome, _) = domain.set(records.elements, now: now)
    guard let failure = outcome.firstFailure else { return }
    let line = failure.index.map { records.lines[$0] } ?? 0
    throw .record(line: line, field: failure.field, rule: failure.rule)
  }
}
