import ControlPlane
import ControlProtocol
import Dispatch
import FlowTable
import Foundation
import Logging
import Testing

/// A whole control plane on a socket in a directory of its own; removed at the end.
final class ServiceFixture {
  let directory: String
  let path: String
  let table: FlowTable
  let service: TableService

  struct Source: StatusSource {
    let warnings = ["checksum offload on core"]
    let statusItems = [StatusItem(key: "port.core.mtu", value: "1500")]
    let counterItems = [CounterItem(name: "rx.core", value: 7), CounterItem(name: "drop.no-binding", value: 0)]
  }

  /// - Parameters:
  ///   - clock: nanoseconds; the system's without.
  ///   - record: receives what is logged; without, nothing below critical is.
  init(
    _ text: String = SampleConfiguration.lma, bindings: Int = 1 << 20, retired: Int = 1 << 20,
    limits: Limits = .standard,
    path given: String? = nil, inherited: InheritedSocket? = nil, source: any StatusSource = Source(),
    clock: (@Sendable () -> UInt64)? = nil, record: LogRecorder? = nil
  ) throws {
    directory = NSTemporaryDirectory() + "fp-control-\(UUID().uuidString.prefix(13))"
    path = given ?? directory + "/lma.sock"
    var configuration = try SampleConfiguration.decode(text)
    configuration.control.socket = path
    table = try FlowTable(
      limits: FlowTableLimits(
        bindings: bindings, tunnels: 1024, nextHops: 1024, routes: 1024, retired: retired, workers: 1))
    let interfaces = [
      PortInterface(index: 11, mac: MACAddress(0x0200_0000_c001), mtu: 1500),
      PortInterface(index: 12, mac: MACAddress(0x0200_0000_7001), mtu: 1500),
      PortInterface(index: 13, mac: MACAddress(0x0200_0000_7002), mtu: 1500),
    ].prefix(configuration.ports.count)
    var logger = record.map { record in Logger(label: "test") { _ in record } } ?? Logger(label: "test")
    logger.logLevel = record == nil ? .critical : .info
    service = try TableService(
      configuration: configuration, interfaces: Array(interfaces), table: table, steering: nil, statusSource: source,
      software: "fastpathd test", inherited: inherited, limits: limits, requestResolution: nil, logger: logger,
      clock: clock ?? { DispatchTime.now().uptimeNanoseconds })
  }

  /// Runs a test against the started service, and stops it whatever happens.
  func run(_ test: (ServiceFixture) throws -> Void) throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    do {
      try service.start()
    } catch {
      service.stop()
      throw error
    }
    defer { service.stop() }
    try test(self)
  }
}
