import ControlPlane
import FastPath
import FlowTable

/// The steering program's maps in memory: what a replay steers by.
final class OfflineSteering: SteeringTable {
  private(set) var tables: SteeringTables

  init(settings: PlaneSettings) { tables = SteeringTables(settings: settings) }

  func setSource(_ prefix: Prefix, _ kind: ControlPlane.SteeringSource?) throws(SteeringError) {
    switch kind {
    case .bound: tables.setSource(prefix, kind: .bound)
    case .visitor(let port): tables.setSource(prefix, kind: .visitor(port: Int(port)))
    case nil: tables.setSource(prefix, kind: nil)
    }
  }
}
