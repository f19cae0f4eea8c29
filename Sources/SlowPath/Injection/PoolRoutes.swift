import FlowTable
import Glibc
import SystemPackage

/// The kernel's way to the mobile nodes that are anchored here: a route for each pool into the TUN device, from which
/// `OwnTraffic` takes this host's own packets. Without it they would leave by whatever route there is, outside every
/// tunnel.
///
/// The routes go with the device, and so with the process, however it ends. None replaces another: of routes to the same
/// prefix, one of an operator or a routing daemon has the smaller metric and counts, and where a second daemon has the same
/// pool, the first one's stays.
public enum PoolRoutes {
  /// Larger than what others choose.
  static let metric: UInt32 = 65_535
  /// Locked, so that no path MTU of the kernel's changes it. Every IPv6 packet of this size enters every tunnel, in
  /// fragments of the outer packet if need be (RFC 2473 section 7.1 (b)); and what is longer is never sent, so that there
  /// is nothing to tell the kernel about.
  static let mtu: UInt32 = 1280

  /// Makes the routes, in the network namespace of the calling thread.
  /// - Returns: which could not be made and why. Nothing of it stops packets of others from being forwarded.
  public static func add(_ pools: [Prefix], to injector: KernelInjector) -> [String] {
    let index = unsafe if_nametoindex(injector.interface)
    do throws(NetlinkError) {
      var socket = try NetlinkSocket(timeout: 1)
      return pools.compactMap { pool in
        do throws(NetlinkError) {
          try socket.request(request(pool, interface: index))
          return nil
        } catch {
          return warning("to \(pool)", error)
        }
      }
    } catch {
      return pools.isEmpty ? [] : [warning("to mobile nodes", error)]
    }
  }

  private static func warning(_ what: String, _ error: NetlinkError) -> String {
    let reason =
      if case .refused(_, .fileExists) = error {
        "one of metric \(metric) is there already, another fastpathd's perhaps"
      } else {
        "\(error)"
      }
    return "no kernel route \(what): this host's own packets to mobile nodes there do not enter tunnels: \(reason)"
  }

  /// `struct rtmsg`: family, destination length, source length, TOS, table, protocol, scope, type, flags (4).
  private static func request(_ pool: Prefix, interface: UInt32) -> NetlinkRequest {
    let isIPv4 = pool.family == .ipv4
    var request = NetlinkRequest(
      "the route to \(pool)", type: NetlinkType.newRoute,
      flags: NetlinkFlag.create | NetlinkFlag.exclusive | NetlinkFlag.acknowledge)
    request.append(isIPv4 ? NetlinkFamily.ipv4 : NetlinkFamily.ipv6)
    request.append(pool.length)
    request.append(UInt16(0))
    request.append(UInt8(truncatingIfNeeded: RouteTable.main))
    request.append(RouteProtocol.own)
    request.append(isIPv4 ? RouteScope.link : RouteScope.universe)
    request.append(RouteType.unicast)
    request.append(UInt32(0))
    request.append(attribute: RouteAttribute.destination, pool.address.octets)
    request.append(attribute: RouteAttribute.outputInterface, octets(interface))
    request.append(attribute: RouteAttribute.priority, octets(metric))
    // Nested attributes of eight octets each: length, type, value.
    let metrics: [(type: UInt32, value: UInt32)] = [
      (RouteMetric.lock, 1 << RouteMetric.mtu), (RouteMetric.mtu, mtu),
    ]
    request.append(
      attribute: RouteAttribute.metrics, metrics.flatMap { octets(8 | $0.type << 16) + octets($0.value) })
    return request
  }

  /// Host order, which is little-endian on the machines this runs on.
  private static func octets(_ value: UInt32) -> [UInt8] {
    [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
