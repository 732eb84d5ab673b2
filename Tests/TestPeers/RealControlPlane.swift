internal import Foundation
internal import TestSupport

/// A kube-apiserver with its etcd and controller manager, as separate processes on loopback.
///
/// The programs are in the folder that `KUBEBUILDER_ASSETS` names, as for envtest.
public struct RealControlPlane: Sendable {
    private static let assets = ProcessInfo.processInfo.environment["KUBEBUILDER_ASSETS"]
    /// A folder with CustomResourceDefinitions to install: the Gateway API's and agent-sandbox's.
    private static let definitions = ProcessInfo.processInfo.environment["TEST_CRDS"]

    /// Whether the programs and the definitions are available.
    public static var isAvailable: Bool { assets != nil && definitions != nil }

    /// The administrator whose credentials are in the kubeconfig. The controllers use another user.
    public static let user = "admin"

    /// The control plane could not be started.
    public struct NotStarted: Error, CustomStringConvertible {
        public let description: String
    }

    /// The path of the kubeconfig.
    public let kubeconfig: String
    /// The path of the kubeconfig of a user without any permission.
    public let strangerKubeconfig: String
    /// The path of the API server's audit log, which has a line of JSON for every stage of every request (`audit.k8s.io`,
    /// level `Metadata`).
    public let auditLog: String

    /// Starts a control plane, runs `body`, and ends all processes.
    ///
    /// - Parameters:
    ///   - controllers: The controllers to run, in the format of kube-controller-manager's `--controllers`.
    ///   - features: Feature gates of both programs.
    ///   - apiServerFlags: Further flags of kube-apiserver.
    public static func with(
        controllers: String = "*",
        features: String? = nil,
        apiServerFlags: [String] = [],
        _ body: (RealControlPlane) async throws -> Void
    ) async throws {
        guard let assets, let definitions else { throw NotStarted(description: "KUBEBUILDER_ASSETS is not set") }
        let folder = FileManager.default.temporaryDirectory.appending(path: "control-plane-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = Process()
        script.executableURL = URL(filePath: "/bin/bash")
        script.arguments = [
            "-c", startScript, "control-plane", assets, definitions, folder, controllers, features ?? "",
            apiServerFlags.joined(separator: " "),
        ]
        let input = Pipe()
        let output = Pipe()
        script.standardInput = input
        script.standardOutput = output
        script.standardError = FileHandle.nullDevice
        try script.run()
        // The script prints one word, or ends without output.
        let word = await onThreadOfItsOwn { output.fileHandleForReading.availableData }
        let result: Result<Void, any Error>
        do {
            guard String(decoding: word, as: UTF8.self) == "ready\n" else {
                throw NotStarted(description: "the control plane did not become ready")
            }
            try await body(
                RealControlPlane(
                    kubeconfig: "\(folder)/kubeconfig",
                    strangerKubeconfig: "\(folder)/stranger",
                    auditLog: "\(folder)/audit.log"
                )
            )
            result = .success(())
        } catch {
            result = .failure(error)
        }
        // The script ends its children when its input closes.
        try? input.fileHandleForWriting.close()
        await onThreadOfItsOwn { script.waitUntilExit() }
        try? FileManager.default.removeItem(atPath: folder)
        try result.get()
    }

    /// The minor version of the API server, 20 for Kubernetes 1.20.
    public static func minorVersion() throws -> Int {
        guard let assets else { throw NotStarted(description: "KUBEBUILDER_ASSETS is not set") }
        let program = Process()
        program.executableURL = URL(filePath: "\(assets)/kube-apiserver")
        program.arguments = ["--version"]
        let output = Pipe()
        program.standardOutput = output
        try program.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        program.waitUntilExit()
        guard let minor = text.split(separator: ".").dropFirst().first.flatMap({ Int($0) }) else {
            throw NotStarted(description: "kube-apiserver does not tell its version")
        }
        return minor
    }

    /// Starts the three programs on free ports, installs the definitions, prints "ready", waits for the end of its
    /// input and ends what it started, by process ID.
    private static let startScript = #"""
        assets=$1 definitions=$2 dir=$3 controllers=$4 gates=${5:+--feature-gates=$5} flags=$6
        port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
        etcd=$(port) peer=$(port) api=$(port) manager=$(port)
        pids=()
        trap 'kill "${pids[@]}" 2>/dev/null; wait' EXIT
        openssl genrsa -out "$dir/sa.key" 2048 2>/dev/null
        openssl rsa -in "$dir/sa.key" -pubout -out "$dir/sa.pub" 2>/dev/null
        token=$(openssl rand -hex 16) managers=$(openssl rand -hex 16) stranger=$(openssl rand -hex 16)
        printf '%s\n' "$token,admin,1,\"system:masters\"" "$managers,controllers,2,\"system:masters\"" \
            "$stranger,stranger,3" >"$dir/tokens.csv"
        printf '%s\n' 'apiVersion: audit.k8s.io/v1' 'kind: Policy' 'omitStages: [RequestReceived]' \
            'rules: [{level: Metadata}]' >"$dir/audit-policy.yaml"
        "$assets/etcd" --data-dir="$dir/etcd" --unsafe-no-fsync \
            --listen-client-urls=http://127.0.0.1:$etcd --advertise-client-urls=http://127.0.0.1:$etcd \
            --listen-peer-urls=http://127.0.0.1:$peer --initial-advertise-peer-urls=http://127.0.0.1:$peer \
            --initial-cluster=default=http://127.0.0.1:$peer >"$dir/etcd.log" 2>&1 </dev/null &
        pids+=($!)
        "$assets/kube-apiserver" --etcd-servers=http://127.0.0.1:$etcd --bind-address=127.0.0.1 \
            --advertise-address=127.0.0.1 --secure-port=$api --endpoint-reconciler-type=none --cert-dir="$dir/certs" \
            --token-auth-file="$dir/tokens.csv" --authorization-mode=RBAC \
            --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$dir/sa.pub" \
            --service-account-signing-key-file="$dir/sa.key" --service-cluster-ip-range=10.0.0.0/16 \
            --audit-policy-file="$dir/audit-policy.yaml" --audit-log-path="$dir/audit.log" $gates $flags \
            --disable-admission-plugins=ServiceAccount --allow-privileged=true >"$dir/apiserver.log" 2>&1 </dev/null &
        pids+=($!)
        request() { curl -s --max-time 5 --cacert "$dir/certs/apiserver.crt" -H "Authorization: Bearer $token" "$@"; }
        for _ in $(seq 200); do
            [ "$(request https://127.0.0.1:$api/readyz 2>/dev/null)" = ok ] && break
            kill -0 "${pids[1]}" 2>/dev/null || exit 1
            sleep 0.2
        done
        kubeconfig() {
            cat <<CONFIG
        apiVersion: v1
        kind: Config
        clusters: [{name: test, cluster: {server: "https://127.0.0.1:$api", certificate-authority: $dir/certs/apiserver.crt}}]
        users: [{name: user, user: {token: $1}}]
        contexts: [{name: test, context: {cluster: test, user: user}}]
        current-context: test
        CONFIG
        }
        kubeconfig "$token" >"$dir/kubeconfig"
        kubeconfig "$managers" >"$dir/controllers"
        kubeconfig "$stranger" >"$dir/stranger"
        legacy=$("$assets/kube-controller-manager" --help 2>/dev/null | grep -q -- '--port int' && echo --port=0)
        # By default its client sends no more than 20 requests a second, whatever there is to do.
        "$assets/kube-controller-manager" --kubeconfig="$dir/controllers" --authentication-kubeconfig="$dir/controllers" \
            --authorization-kubeconfig="$dir/controllers" --controllers="$controllers" $gates \
            --bind-address=127.0.0.1 --secure-port=$manager $legacy --leader-elect=false \
            --kube-api-qps=1000 --kube-api-burst=1000 \
            --service-account-private-key-file="$dir/sa.key" \
            --root-ca-file="$dir/certs/apiserver.crt" >"$dir/manager.log" 2>&1 </dev/null &
        pids+=($!)
        for file in "$definitions"/gateway-api-*/*.yaml "$definitions"/agent-sandbox-v0.5*/*.yaml; do
            request -H 'Content-Type: application/yaml' --data-binary @"$file" -o /dev/null \
                https://127.0.0.1:$api/apis/apiextensions.k8s.io/v1/customresourcedefinitions
        done
        serves() { request "https://127.0.0.1:$api/apis/$1" | grep -q "$2"; }
        for _ in $(seq 300); do
            serves extensions.agents.x-k8s.io/v1beta1 sandboxclaims && serves agents.x-k8s.io/v1beta1 sandboxes \
                && serves gateway.networking.k8s.io/v1 httproutes && serves gateway.networking.k8s.io/v1 gateways && break
            sleep 0.2
        done
        echo ready
        cat >/dev/null
        """#
}
