// swift-tools-version: 6.2

import PackageDescription

/// Linker flags that reduce the memory of the service (Docs/Decisions/0008): relocations are packed, and symbols that no other
/// object uses are not exported. The default linker cannot pack relocations.
let leanLinking = [
    "-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs", "-Xlinker", "--no-export-dynamic",
]

/// The version of the build for `CBuildInfo`, if the environment contains it.
let buildInfo: [CSetting] = ["BUILD_VERSION", "BUILD_COMMIT", "BUILD_DATE"].compactMap { name in
    Context.environment[name].map { .define(name, to: "\"\($0)\"") }
}

let package = Package(
    name: "preview-gateway",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "preview-gateway", targets: ["preview-gateway"]),
        .executable(name: "preview-devcluster", targets: ["preview-devcluster"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        // The file descriptors and paths of swift-subprocess, on systems without a module `System`.
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        // Without its default traits, Hummingbird depends on neither full Foundation nor swift-configuration.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        // MARK: Executables
        .executableTarget(
            name: "preview-gateway",
            dependencies: ["PreviewCommands"],
            linkerSettings: [.unsafeFlags(leanLinking, .when(platforms: [.linux], configuration: .release))]
        ),
        .executableTarget(
            name: "preview-devcluster",
            dependencies: ["DevCluster", .product(name: "ArgumentParser", package: "swift-argument-parser")]
        ),

        // MARK: The service
        .target(
            name: "PreviewCommands",
            dependencies: [
                "Basics", "CBuildInfo", "CMemory", "CoreAPI", "CurlHTTP", "HTTPTransport", "KubernetesClient",
                "KubernetesModel",
                "OpenSSLKit", "PreviewCluster", "PreviewControl", "PreviewDomain", "PreviewIdentity", "PreviewServer",
                "PrometheusMetrics", "Router", "YAMLKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        .target(
            name: "PreviewServer",
            dependencies: [
                "Basics", "CDocuments", "CoreAPI", "HTTPTransport", "OpenSSLKit", "PreviewControl", "PreviewDomain",
                "PreviewIdentity", "PrometheusMetrics", "Router", "YAMLKit",
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        // Embeds Docs/openapi.yaml with C23's #embed.
        .target(name: "CDocuments"),
        .target(
            name: "PreviewIdentity",
            dependencies: [
                "Basics", "CoreAPI", "HTTPTransport", "OpenSSLKit", "PreviewDomain",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "CoreAPI",
            dependencies: [
                "Basics", "HTTPTransport", "PreviewDomain",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]
        ),
        .target(
            name: "Router",
            dependencies: [
                "Basics", "ChannelTLS", "CoreAPI", "HTTPTransport",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .target(
            name: "PreviewCluster",
            dependencies: [
                "Basics", "HTTPTransport", "KubernetesClient", "KubernetesModel", "OpenSSLKit", "PreviewControl",
                "PreviewDomain",
                "PreviewIdentity",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        .target(
            name: "PreviewControl",
            dependencies: [
                "Basics", "PreviewDomain",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        .target(name: "PreviewDomain", dependencies: ["Basics", "OpenSSLKit"]),
        .target(
            name: "PrometheusMetrics",
            dependencies: [.product(name: "CoreMetrics", package: "swift-metrics")]
        ),

        // MARK: Kubernetes
        .target(
            name: "KubernetesClient",
            dependencies: [
                "Basics", "CMemory", "HTTPTransport", "KubernetesModel", "YAMLKit",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system", condition: .when(platforms: [.linux])),
            ]
        ),
        .target(name: "KubernetesModel", dependencies: ["Basics"]),

        // MARK: Values that everything else has in common
        .target(
            name: "Basics",
            dependencies: [
                .product(name: "SystemPackage", package: "swift-system", condition: .when(platforms: [.linux]))
            ]
        ),

        // MARK: libcurl, libssl, libyaml and the C library
        .target(
            name: "CurlHTTP",
            dependencies: [
                "CCurl", "COpenSSL", "HTTPTransport",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]
        ),
        .target(
            name: "HTTPTransport",
            dependencies: ["Basics", .product(name: "HTTPTypes", package: "swift-http-types")]
        ),
        .target(name: "ChannelTLS", dependencies: ["COpenSSL", .product(name: "NIOCore", package: "swift-nio")]),
        .target(name: "OpenSSLKit", dependencies: ["COpenSSL"]),
        .target(name: "YAMLKit", dependencies: ["CLibYAML"]),
        .systemLibrary(name: "CMemory"),
        .target(name: "CBuildInfo", cSettings: buildInfo),
        .systemLibrary(
            name: "CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]
        ),
        .systemLibrary(
            name: "COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]
        ),
        .systemLibrary(
            name: "CLibYAML",
            pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]
        ),

        // MARK: The development cluster
        .target(name: "DevelopmentCertificates", dependencies: ["COpenSSL"]),
        .target(
            name: "DevCluster",
            dependencies: [
                "ChannelTLS", "CurlHTTP", "DevelopmentCertificates", "HTTPTransport", "OpenSSLKit", "YAMLKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system", condition: .when(platforms: [.linux])),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            exclude: ["README.md"]
        ),

        // MARK: Tests
        .target(
            name: "TestSupport",
            dependencies: [
                "Basics", "HTTPTransport", "PreviewControl", "PreviewDomain", "PreviewIdentity",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Tests/TestSupport"
        ),
        // Test support that uses sockets.
        .target(
            name: "TestPeers",
            dependencies: [
                "Basics", "CurlHTTP", "DevelopmentCertificates", "HTTPTransport", "KubernetesClient", "PreviewDomain",
                "TestSupport", "YAMLKit",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdHTTP2", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Tests/TestPeers"
        ),
    ]
)

/// All test targets, with their dependencies besides `Basics` and `TestSupport`.
let tests: [String: [Target.Dependency]] = [
    "CurlHTTPTests": [
        "CurlHTTP", "DevelopmentCertificates", "HTTPTransport",
        "TestPeers",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
    ],
    "BasicsTests": [],
    "ChannelTLSTests": [
        "COpenSSL", "ChannelTLS", "DevelopmentCertificates",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
    ],
    "OpenSSLKitTests": ["DevelopmentCertificates", "OpenSSLKit"],
    "YAMLKitTests": ["YAMLKit"],
    "CoreAPITests": [
        "CoreAPI", "CurlHTTP", "DevelopmentCertificates", "HTTPTransport", "PreviewDomain",
        "TestPeers",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
    ],
    "RouterTests": [
        "ChannelTLS", "CoreAPI", "DevelopmentCertificates", "HTTPTransport", "PrometheusMetrics", "Router",
        "TestPeers",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
    ],
    "PreviewIdentityTests": [
        "CoreAPI", "DevelopmentCertificates", "HTTPTransport", "OpenSSLKit", "PreviewDomain", "PreviewIdentity",
        "TestPeers",
        .product(name: "HTTPTypes", package: "swift-http-types"),
    ],
    "PreviewClusterTests": [
        "CurlHTTP", "DevCluster", "HTTPTransport", "KubernetesClient", "KubernetesModel", "OpenSSLKit",
        "PreviewCluster", "PreviewControl", "PreviewDomain", "PreviewIdentity", "PrometheusMetrics",
        "TestPeers",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
    ],
    // Several complete instances of the service on one development cluster, and real clients.
    "SystemTests": [
        "CoreAPI", "CurlHTTP", "DevCluster", "DevelopmentCertificates", "HTTPTransport", "KubernetesClient",
        "OpenSSLKit",
        "PreviewCluster", "PreviewCommands", "PreviewControl", "PreviewDomain", "PreviewIdentity", "PreviewServer",
        "Router", "YAMLKit",
        "TestPeers",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Subprocess", package: "swift-subprocess"),
    ],
    "KubernetesModelTests": ["KubernetesModel"],
    "KubernetesClientTests": [
        "HTTPTransport", "KubernetesClient", "KubernetesModel",
        .product(name: "HTTPTypes", package: "swift-http-types"),
    ],
    "PreviewDomainTests": ["PreviewDomain", "OpenSSLKit"],
    "PrometheusMetricsTests": ["PrometheusMetrics", .product(name: "CoreMetrics", package: "swift-metrics")],
    "PreviewControlTests": ["PreviewControl", "PreviewDomain", "PrometheusMetrics"],
    "SimulationTests": [
        "KubernetesClient", "PreviewControl", "PreviewDomain",
        .product(name: "HeapModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
    ],
    "PreviewServerTests": [
        "CoreAPI", "HTTPTransport", "OpenSSLKit", "PreviewControl", "PreviewDomain", "PreviewIdentity",
        "PreviewServer", "PrometheusMetrics", "Router", "YAMLKit",
        "TestPeers",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdTesting", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    ],
    "PreviewCommandsTests": [
        "CoreAPI", "CurlHTTP", "PreviewCommands", "PreviewControl", "PreviewDomain", "PreviewIdentity", "PreviewServer",
        "Router",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
    ],
    "DevClusterTests": [
        "CurlHTTP", "DevCluster", "HTTPTransport",
        "TestPeers",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Subprocess", package: "swift-subprocess"),
    ],
    "ConformanceTests": [
        "CurlHTTP", "DevCluster", "DevelopmentCertificates", "HTTPTransport", "KubernetesClient", "KubernetesModel",
        "TestPeers",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
    ],
]
package.targets += tests.sorted { $0.key < $1.key }.map { name, dependencies in
    .testTarget(
        name: name,
        dependencies: ["Basics", "TestSupport"] + dependencies,
        // The tests read these files from their folder.
        exclude: name == "OpenSSLKitTests" ? ["Wycheproof"] : []
    )
}

// MARK: Benchmarks

// The benchmarks need one more library and additional build time, so they are part of the package only if BENCHMARKS is set, as
// by `make bench`.
if Context.environment["BENCHMARKS"] != nil {
    package.dependencies.append(.package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"))
    package.targets.append(
        .executableTarget(
            name: "preview-benchmarks",
            dependencies: [
                "Basics", "CCurl", "CurlHTTP", "DevCluster", "DevelopmentCertificates", "HTTPTransport",
                "KubernetesClient", "OpenSSLKit", "PreviewCluster", "PreviewControl", "PreviewDomain",
                "PreviewIdentity", "PreviewServer",
                "TestPeers", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Tests/Benchmarks"
        )
    )
}

// MARK: Fuzzing

/// Whether the fuzzer is built, as by `make fuzz`. Its executable uses libFuzzer's `main`, which is linked only with
/// `--sanitize fuzzer`. Otherwise the same properties are a test target that runs the corpus.
let isFuzzing = Context.environment["FUZZ"] != nil
let fuzzed: [Target.Dependency] = [
    "Basics", "KubernetesClient", "KubernetesModel", "OpenSSLKit", "PreviewControl", "PreviewDomain", "PreviewIdentity",
    "PreviewServer", "Router", "YAMLKit",
    .product(name: "HTTPTypes", package: "swift-http-types"),
    .product(name: "NIOCore", package: "swift-nio"),
]
package.targets.append(
    isFuzzing
        ? .executableTarget(
            name: "preview-fuzz",
            dependencies: fuzzed,
            path: "Tests/Fuzz",
            exclude: ["Corpus", "Dictionaries", "CorpusTests.swift"]
        )
        : .testTarget(
            name: "FuzzTests",
            dependencies: fuzzed,
            path: "Tests/Fuzz",
            exclude: ["Corpus", "Dictionaries", "LibFuzzer.swift"]
        )
)

// MARK: ThreadSanitizer

// Without it ThreadSanitizer reports a race wherever threads wait for a Mutex, see the target's source.
if Context.environment["SANITIZE"] == "thread" {
    package.targets.append(.target(name: "MutexAnnotations", path: "Tests/MutexAnnotations"))
    package.targets.first { $0.name == "TestSupport" }?.dependencies.append("MutexAnnotations")
}

// MARK: The inner loop

/// The targets that need neither SwiftNIO nor libcurl. The package contains only these if QUICK is set, as by `make quick`.
let quickTargets = [
    "Basics", "BasicsTests", "COpenSSL", "CoreAPI", "HTTPTransport", "KubernetesModel", "OpenSSLKit", "PreviewControl",
    "PreviewDomain",
    "PreviewIdentity", "PrometheusMetrics", "TestSupport", "KubernetesModelTests", "PreviewControlTests",
    "PreviewDomainTests", "PrometheusMetricsTests",
]
if Context.environment["QUICK"] != nil {
    package.products = []
    package.targets.removeAll { !quickTargets.contains($0.name) }
}

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ]
}
