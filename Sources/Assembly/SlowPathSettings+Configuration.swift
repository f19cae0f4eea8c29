import ControlPlane
import FastPath
import SlowPath

extension SlowPathSettings {
  /// What the exception path needs of a configuration.
  /// - Parameter plane: the pipeline's settings from the same configuration.
  public init(configuration: DaemonConfiguration, plane: PlaneSettings) {
    self.init(
      routerAddresses: configuration.routerAddresses, localAddresses: plane.localAddresses,
      rate: configuration.icmp.rate, burst: configuration.icmp.burst,
      reassembly: ReassemblyLimits(largestPacket: plane.largestPacket))
  }
}
