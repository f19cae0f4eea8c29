// The values of a tunnel's settings in JSON records and events: a word, or a number's digits.

extension TunnelRecord.MTU {
  public var text: String {
    switch self {
    case .automatic: "auto"
    case .octets(let octets): "\(octets)"
    }
  }
}

extension TunnelRecord.EncapsulationLimit {
  public var text: String {
    switch self {
    case .none: "none"
    case .limit(let limit): "\(limit)"
    }
  }
}

extension TunnelRecord.DSCP {
  public var text: String {
    switch self {
    case .copy: "copy"
    case .uniform: "uniform"
    case .fixed(let value): "\(value)"
    }
  }
}

extension TunnelRecord.ECN {
  public var text: String {
    switch self {
    case .rfc6040: "rfc6040"
    case .compatibility: "compatibility"
    case .rfc5213Strict: "rfc5213-strict"
    }
  }
}
