import ArgumentParser
import Foundation

/// Runs `preview-gateway serve` as in production, for as long as this program's input is open: it therefore ends with
/// its parent process, however that ends.
struct ServiceCommand: AsyncParsableCommand {
    struct Missing: Error, CustomStringConvertible {
        let description = "preview-gateway is not beside this program: build it first, as make bench does"
    }

    static let configuration = CommandConfiguration(
        commandName: "service",
        abstract: "Run preview-gateway on a cluster.",
        shouldDisplay: false
    )

    @Option(help: "The cluster's kubeconfig.")
    var kubeconfig: String

    @Option(help: "A setting that is to differ, as KEY=VALUE.")
    var set: [String] = []

    func run() async throws {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "preview-gateway")
        guard FileManager.default.isExecutableFile(atPath: program.path) else { throw Missing() }
        let process = Process()
        process.executableURL = program
        process.arguments = ["serve"]
        var environment = [
            "KUBECONFIG": kubeconfig, "Sandbox__Preview__ZoneSuffix": "preview.example.com",
            "Auth__ApiKey": UUID().uuidString, "Server__Listen": "127.0.0.1:0",
            "Server__DrainSeconds": "0",
            // The grace ends before the first preview expires, because the grace after a start is not measured.
            "Sandbox__Preview__OutageGraceSeconds": "5",
        ]
        for text in set {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            environment[parts[0]] = parts.count == 2 ? parts[1] : ""
        }
        process.environment = environment
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.terminationHandler = { Foundation.exit($0.terminationStatus) }
        try process.run()
        try ParentLink.answer(process.processIdentifier)
        for await _ in ParentLink.questions() {}
        // The service is stopped as Kubernetes stops it, and this program ends with it.
        process.terminate()
        process.waitUntilExit()
    }
}
