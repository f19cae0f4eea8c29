import CEngineFrames
import FastPath
import FlowTable

/// One row of the suite: a way of packets and how many bindings there are, "lma-downlink-1m".
struct Scenario: Hashable {
  let name: String
  let way: Way
  let bindings: Int

  /// The ways by their names in the results.
  enum Way: String, CaseIterable {
    case anchorDownlink = "lma-downlink"
    case anchorUplink = "lma-uplink"
    case anchorHairpin = "lma-hairpin"
    case anchorIPv4 = "lma-ipv4"
    case gatewayDownlink = "mag-downlink"
    case gatewayUplink = "mag-uplink"

    /// As the peer and the frames' module know it.
    var frames: engine_way {
      switch self {
      case .anchorDownlink: ENGINE_LMA_DOWNLINK
      case .anchorUplink: ENGINE_LMA_UPLINK
      case .anchorHairpin: ENGINE_LMA_HAIRPIN
      case .anchorIPv4: ENGINE_LMA_IPV4
      case .gatewayDownlink: ENGINE_MAG_DOWNLINK
      case .gatewayUplink: ENGINE_MAG_UPLINK
      }
    }

    var role: PlaneRole {
      switch self {
      case .anchorDownlink, .anchorUplink, .anchorHairpin, .anchorIPv4: .localMobilityAnchor
      case .gatewayDownlink, .gatewayUplink: .mobileAccessGateway
      }
    }

    /// Of the bindings.
    var family: AddressFamily { self == .anchorIPv4 ? .ipv4 : .ipv6 }
  }

  /// Nil unless the text is a way and a size, joined by "-".
  init?(name: String) {
    let sizes = ["1k": 1_000, "100k": 100_000, "1m": 1_000_000, "10m": 10_000_000]
    guard let dash = name.lastIndex(of: "-"), let way = Way(rawValue: String(name[..<dash])),
      let bindings = sizes[String(name[name.index(after: dash)...])]
    else { return nil }
    self.name = name
    self.way = way
    self.bindings = bindings
  }
}
