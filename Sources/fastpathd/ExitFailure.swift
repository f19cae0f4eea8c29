/// Why the daemon does not run, with CONTRACT's exit status: what an operator reads last.
struct ExitFailure: Error, CustomStringConvertible {
  enum Kind: Int32 {
    /// The configuration or the command line is wrong.
    case configuration = 1
    /// A privilege, an interface or a kernel feature is missing.
    case environment = 2
    /// A defect, or a resource that ran out.
    case `internal` = 3
  }

  let kind: Kind
  /// One sentence (several lines for a configuration with several faults): what, why, and what to do.
  let description: String

  static func configuration(_ text: String) -> ExitFailure { ExitFailure(kind: .configuration, description: text) }
  static func environment(_ text: String) -> ExitFailure { ExitFailure(kind: .environment, description: text) }
  static func `internal`(_ text: String) -> ExitFailure { ExitFailure(kind: .internal, description: text) }
}
