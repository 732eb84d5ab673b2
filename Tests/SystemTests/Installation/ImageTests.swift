import Foundation
import TestSupport
import Testing

@testable import DevCluster

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

private typealias Files = InstallationFiles

/// The image's root file system, built from the program that was built with the tests.
@Suite(
    "The image",
    .enabled(
        if: ReplicaProcess.program != nil && TestPrograms.isInstalled("dpkg-query"),
        "the service was not built, or this is no Debian"
    ),
    .timeLimit(.minutes(10))
)
struct ImageTests {
    /// The part of the image's 120 MB that is left for everything except the release program.
    private static let maxBytesBesideTheProgram = 35_000_000
    private static let epoch = "1800000000"
    /// Runs a program as a container runtime does with a read-only root file system: `sh -c SCRIPT ROOT PROGRAM
    /// ARGUMENTS…`. The program replaces the shell. It has only the image's files and `/proc`, from which Swift reads
    /// its arguments.
    private static let container = """
        mount --make-rprivate / && mount --bind "$0" "$0" && mount --bind /proc "$0/proc" \\
            && mount -o remount,ro,bind "$0" && exec chroot --userspec=65532:65532 "$0" "$@"
        """
    /// Whether this process may do that.
    private static let maySeparate = geteuid() == 0 && TestPrograms.isInstalled("unshare")

    /// Builds the image in a separate folder.
    private func withImage(_ body: @Sendable (_ folder: String, _ digest: String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "image-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder, try await build(in: folder))
    }

    private func build(in folder: String) async throws -> String {
        let result = try await Files.run(
            "bash",
            [ProjectFiles.path("k8s/image/build.sh"), folder],
            environment: [
                "EXECUTABLE": try #require(ReplicaProcess.program), "SOURCE_DATE_EPOCH": Self.epoch,
                "BUILD_COMMIT": "1a2b3c4d5e6f", "BUILD_VERSION": "1.2.3",
            ]
        )
        try #require(result.isSuccess, "\(result.errors)")
        return try String(contentsOfFile: "\(folder)/digest", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func files(in root: String) throws -> [String: Int] {
        var sizes: [String: Int] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: root) {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/\(path)")
            guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
            sizes[path] = (attributes[.size] as? NSNumber)?.intValue
        }
        return sizes
    }

    @Test("Two builds of the same commit have the same digest")
    func theDigestIsReproducible() async throws {
        try await withImage { folder, digest in
            #expect(digest.firstMatch(of: /^sha256:[0-9a-f]{64}$/) != nil)
            let again = try await build(in: folder)
            #expect(again == digest)
        }
    }

    @Test("It contains the program, its libraries, and no shell")
    func theImageContainsTheProgramItsLibrariesAndNoShell() async throws {
        try await withImage { folder, _ in
            let sizes = try files(in: "\(folder)/rootfs")
            #expect(sizes["usr/bin/preview-gateway"] != nil && sizes["etc/ssl/certs/ca-certificates.crt"] != nil)
            let programs = sizes.keys.filter { $0.contains("bin/") }
            #expect(programs == ["usr/bin/preview-gateway"])
            for name in sizes.keys {
                let path = "\(folder)/rootfs/\(name)"
                let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
                #expect((mode?.intValue ?? 0) & 0o6022 == 0, "\(name) may be written by others, or changes who runs it")
            }
            // The release program contains the Swift libraries; for the tests' program they are separate files.
            let rest = sizes.filter { !$0.key.contains("preview-gateway") && !$0.key.contains("/swift/") }
            #expect(rest.values.reduce(0, +) < Self.maxBytesBesideTheProgram)
        }
    }

    @Test("The bill of materials names every Debian package, and the Swift packages")
    func theBillOfMaterialsNamesEveryPackage() async throws {
        try await withImage { folder, _ in
            let text = try Data(contentsOf: URL(filePath: "\(folder)/rootfs/usr/share/preview-gateway/sbom.spdx.json"))
            let document = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
            #expect(document["spdxVersion"] as? String == "SPDX-2.3")
            let packages = try #require(document["packages"] as? [[String: Any]])
            let names = Set(packages.compactMap { $0["name"] as? String })
            #expect(names.isSuperset(of: ["preview-gateway", "ca-certificates", "libc6", "libcurl4", "libssl3"]))
            let resolved = ProjectFiles.path("Package.resolved")
            #expect(names.contains("hummingbird") == FileManager.default.fileExists(atPath: resolved))
            let known = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/rootfs/var/lib/dpkg/status.d")
            #expect(names.isSuperset(of: known))
        }
    }

    @Test(
        "skopeo reads the archive and reports the same digest",
        .enabled(if: TestPrograms.isInstalled("skopeo"), "skopeo is not installed")
    )
    func theArchiveIsAnImage() async throws {
        try await withImage { folder, digest in
            let result = try await Files.run("skopeo", ["inspect", "oci-archive:\(folder)/preview-gateway.tar"])
            try #require(result.isSuccess, "\(result.errors)")
            let image = try #require(
                try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
            )
            #expect(image["Digest"] as? String == digest)
            let labels = try #require(image["Labels"] as? [String: String])
            #expect(labels["org.opencontainers.image.revision"] == "1a2b3c4d5e6f")
            #expect(labels["org.opencontainers.image.version"] == "1.2.3")
        }
    }

    @Test(
        "The service runs from this root file system alone, as an unprivileged user",
        .enabled(if: maySeparate, "changing the root needs to be root")
    )
    func theServiceRunsFromTheRootFileSystemOfTheImage() async throws {
        try await withImage { folder, _ in
            try await withAPIServer { server in
                let root = "\(folder)/rootfs"
                try ClusterObjects.install(into: server.store, port: 8088)
                let kubeconfig = try await server.kubeconfig(namespace: ClusterObjects.namespace)
                try kubeconfig.write(toFile: "\(root)/tmp/kubeconfig", atomically: true, encoding: .utf8)
                let replica = try ReplicaProcess(
                    settings: [
                        "KUBECONFIG": "/tmp/kubeconfig", "Sandbox__Preview__ZoneSuffix": "preview.example.com",
                        "Auth__ApiKey": "0123456789abcdef", "Server__DrainSeconds": "0", "Log__Format": "json",
                    ],
                    log: "\(folder)/log",
                    launcher: ["unshare", "-m", "sh", "-euc", Self.container, root],
                    path: "/usr/bin/preview-gateway"
                )
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await replica.run() }
                    try await replica.waitUntilReady()
                    replica.signalStop()
                    try await group.waitForAll()
                }
                #expect(try await replica.waitUntilEnded() == .code(0))
                let log = try String(contentsOfFile: "\(folder)/log", encoding: .utf8)
                let first = try #require(log.split(separator: "\n").first)
                let line = try #require(try JSONSerialization.jsonObject(with: Data(first.utf8)) as? [String: Any])
                #expect(line["message"] as? String == "preview-gateway starts")
                let metadata = try #require(line["metadata"] as? [String: String])
                for name in ["version", "commit", "built", "namespace", "zone", "gateway", "api_server"] {
                    #expect(metadata[name]?.isEmpty == false, "\(name) is not said")
                }
            }
        }
    }
}
