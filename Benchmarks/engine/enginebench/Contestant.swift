import FastPath
import FlowTable

/// The scenarios that were asked for, on as few tables as they need.
final class Contestant {
  private struct Needs: Hashable {
    let role: PlaneRole
    let family: AddressFamily
    let bindings: Int
  }

  private let runs: [(scenario: Scenario, run: Run)]
  private var digests: [String: UInt64] = [:]

  init(_ scenarios: [Scenario]) throws {
    var domains: [Needs: Domain] = [:]
    runs = try scenarios.map { scenario in
      let needs = Needs(role: scenario.way.role, family: scenario.way.family, bindings: scenario.bindings)
      let domain = try domains[needs] ?? Domain(role: needs.role, family: needs.family, bindings: needs.bindings)
      domains[needs] = domain
      return (scenario, try Run(scenario, domain))
    }
  }

  /// Checks every scenario; a wrong octet or counter throws.
  func check() throws {
    for (scenario, run) in runs { digests[scenario.name] = try run.check() }
  }

  func replay(_ scenario: Scenario, turns: Int) {
    for (known, run) in runs where known == scenario { run.replay(turns: turns) }
  }

  /// The figure or digest of one measurement as text; nil for a name that does not exist.
  func answer(_ name: String) -> String? {
    if name.hasPrefix("digest-") { return digests[String(name.dropFirst(7))].map { "\($0)" } }
    let isCycles = name.hasPrefix("cycles-")
    let wanted = isCycles ? String(name.dropFirst(7)) : name
    guard let run = runs.first(where: { $0.scenario.name == wanted })?.run else { return nil }
    let figure = run.rate()
    return "\(isCycles ? figure.cycles : figure.mpps)"
  }
}
