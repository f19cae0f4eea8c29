// swift-tools-version: 6.2
import PackageDescription

// The benchmarks' own programs in Swift, apart from the product's package so that building it never builds them.
let package = Package(
  name: "benchmarks",
  dependencies: [.package(name: "fastpath", path: "..")],
  targets: [
    .target(name: "CPin", path: "table/cpin"),
    .executableTarget(
      name: "tablebench", dependencies: ["CPin", .product(name: "FlowTable", package: "fastpath")],
      path: "table/tablebench",
      swiftSettings: [.swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error)]),
  ]
)
