import ControlPlane
import SlowPath

extension TrafficReport {
  /// A notice of the slow path in the control plane's words.
  init(_ notice: TrafficNotice) {
    let kind: Kind =
      switch notice.kind {
      case .unbound: .unbound
      case .unknownSource(let mac): .unknownSource(mac)
      case .bufferOverflow: .bufferOverflow
      }
    self.init(kind: kind, prefix: notice.prefix, address: notice.address, port: notice.port)
  }
}
