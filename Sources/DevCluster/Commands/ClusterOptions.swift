import ArgumentParser
import FoundationEssentials

/// The options of all commands that start a development cluster.
struct ClusterOptions: ParsableArguments {
    /// The default of `Sandbox__Preview__AllowedPortMin` and `…Max`.
    static let appPorts = 3000...9000

    @Option(help: "The port on which the app in the sandbox listens, \(appPorts.lowerBound) to \(appPorts.upperBound).")
    var port = 3000

    @Option(help: "The port on 127.0.0.1 at which previews are served.")
    var envoyPort = 8088

    @Option(help: "The port on 127.0.0.1 of preview-gateway's HTTP API (default: a free one).")
    var apiPort: Int?

    @Option(help: "The folder for logs, kubeconfig and key (default: ~/.local/state/preview-devcluster).")
    var stateDir: String?

    @Option(
        help: ArgumentHelp(
            "Restrict preview-gateway to the rules in this file, such as k8s/base/rbac.yaml (default: no limits).",
            valueName: "path"
        )
    )
    var rbac: String?

    func validate() throws {
        guard Self.appPorts.contains(port) else {
            throw ValidationError(
                "--port \(port) is outside \(Self.appPorts.lowerBound) to \(Self.appPorts.upperBound), "
                    + "the range that the service accepts."
            )
        }
        for (name, value) in [("--envoy-port", envoyPort), ("--api-port", apiPort ?? 1)] {
            guard (1...65_535).contains(value) else { throw ValidationError("\(name) \(value) is not a TCP port.") }
        }
        guard envoyPort != apiPort else {
            throw ValidationError("--envoy-port and --api-port are both \(envoyPort); they must differ.")
        }
    }

    /// The folder for the cluster's files.
    func stateFolder(environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        if let stateDir { return stateDir }
        let home = environment["HOME"] ?? "/tmp"
        let base = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.local/state"
        return "\(base)/preview-devcluster"
    }
}
