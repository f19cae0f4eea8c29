import Foundation

extension String {
  /// The text with the line that begins with a top-level key replaced, or removed.
  func replacingLine(_ key: String, with line: String?) -> String {
    split(separator: "\n", omittingEmptySubsequences: false)
      .compactMap { $0.hasPrefix(key + ":") ? line.map { Substring($0) } : $0 }
      .joined(separator: "\n")
  }

  func replacingOccurrences(of part: String, with replacement: String) -> String {
    (self as NSString).replacingOccurrences(of: part, with: replacement)
  }
}
