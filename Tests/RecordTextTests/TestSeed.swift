import Foundation

/// The seed of this run: `FASTPATH_TEST_SEED`, or the clock. Failures print how to run it again.
enum TestSeed {
  static let value: UInt64 =
    ProcessInfo.processInfo.environment["FASTPATH_TEST_SEED"].flatMap { UInt64($0) }
    ?? UInt64(Date().timeIntervalSince1970 * 1000)

  static var rerun: String {
    "seed \(value): FASTPATH_TEST_SEED=\(value) swift test -c release --filter RecordTextTests"
  }
}
