// swift-tools-version: 6.2
import PackageDescription

// As the product's own package: a program that takes the product's functions into its own must be made for the same.
#if arch(x86_64)
let processor = Context.environment["FASTPATH_CPU"] ?? "x86-64-v3"
let processorFlags: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=\(processor)"])]
#else
let processorFlags: [SwiftSetting] = []
#endif

// The benchmarks' own programs in Swift, apart from the product's package so that building it never builds them.
let package = Package(
  name: "benchmarks",
  dependencies: [.package(name: "fastpath", path: "..")],
  targets: [
    .target(name: "CPin", path: "table/cpin"),
    .executableTarget(
      name: "tablebench", dependencies: ["CPin", .product(name: "FlowTable", package: "fastpath")],
      path: "table/tablebench",
      swiftSettings: [.swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error)] + processorFlags),
  ]
)
