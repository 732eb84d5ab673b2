import Foundation

/// A kube-apiserver with its etcd and controller manager, as separate processes on loopback.
///
/// The programs are those that `KUBEBUILDER_ASSETS` names, the convention of envtest.
struct RealControlPlane {
    static let assets = ProcessInfo.processInfo.environment["KUBEBUILDER_ASSETS"]
    /// A folder with CustomResourceDefinitions to install: the Gateway API's and agent-sandbox's.
    static let definitions = ProcessInfo.processInfo.environment["TEST_CRDS"]

    static var isAvailable: Bool { assets != nil && definitions != nil }

    struct NotStarted: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts a control plane, runs `body` with its kubeconfig, and ends all processes.
    static func with(_ body: (_ kubeconfig: String) async throws -> Void) async throws {
        guard let assets, let definitions else { throw NotStarted(description: "KUBEBUILDER_ASSETS is not set") }
        let folder = FileManager.default.temporaryDirectory.appending(path: "control-plane-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = Process()
        script.executableURL = URL(filePath: "/bin/bash")
        script.arguments = ["-c", startScript, "control-plane", assets, definitions, folder]
        let input = Pipe()
        let output = Pipe()
        script.standardInput = input
        script.standardOutput = output
        script.standardError = FileHandle.nullDevice
        try script.run()
        defer {
            // The script ends its children when its input closes.
            try? input.fileHandleForWriting.close()
            script.waitUntilExit()
            try? FileManager.default.removeItem(atPath: folder)
        }
        // The script says one word, or ends and says nothing.
        guard String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "ready\n" else {
            throw NotStarted(description: "the control plane did not become ready")
        }
        try await body("\(folder)/kubeconfig")
    }

    /// Starts the three programs on free ports, installs the definitions, says "ready", waits for the end of its input
    /// and ends what it started, by process id.
    private static let startScript = #"""
        assets=$1 definitions=$2 dir=$3
        port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
        etcd=$(port) peer=$(port) api=$(port) manager=$(port)
        pids=()
        trap 'kill "${pids[@]}" 2>/dev/null; wait' EXIT
        openssl genrsa -out "$dir/sa.key" 2048 2>/dev/null
        openssl rsa -in "$dir/sa.key" -pubout -out "$dir/sa.pub" 2>/dev/null
        token=$(openssl rand -hex 16)
        echo "$token,admin,1,\"system:masters\"" >"$dir/tokens.csv"
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
            --disable-admission-plugins=ServiceAccount --allow-privileged=true >"$dir/apiserver.log" 2>&1 </dev/null &
        pids+=($!)
        request() { curl -s --max-time 5 --cacert "$dir/certs/apiserver.crt" -H "Authorization: Bearer $token" "$@"; }
        for _ in $(seq 200); do
            [ "$(request https://127.0.0.1:$api/readyz 2>/dev/null)" = ok ] && break
            kill -0 "${pids[1]}" 2>/dev/null || exit 1
            sleep 0.2
        done
        cat >"$dir/kubeconfig" <<CONFIG
        apiVersion: v1
        kind: Config
        clusters: [{name: test, cluster: {server: "https://127.0.0.1:$api", certificate-authority: $dir/certs/apiserver.crt}}]
        users: [{name: admin, user: {token: $token}}]
        contexts: [{name: test, context: {cluster: test, user: admin}}]
        current-context: test
        CONFIG
        legacy=$("$assets/kube-controller-manager" --help 2>/dev/null | grep -q -- '--port int' && echo --port=0)
        "$assets/kube-controller-manager" --kubeconfig="$dir/kubeconfig" --authentication-kubeconfig="$dir/kubeconfig" \
            --authorization-kubeconfig="$dir/kubeconfig" --bind-address=127.0.0.1 --secure-port=$manager $legacy \
            --leader-elect=false --service-account-private-key-file="$dir/sa.key" \
            --root-ca-file="$dir/certs/apiserver.crt" >"$dir/manager.log" 2>&1 </dev/null &
        pids+=($!)
        for file in "$definitions"/gateway-api-*/*.yaml "$definitions"/agent-sandbox-v0.5*/*.yaml; do
            request -H 'Content-Type: application/yaml' --data-binary @"$file" -o /dev/null \
                https://127.0.0.1:$api/apis/apiextensions.k8s.io/v1/customresourcedefinitions
        done
        for _ in $(seq 100); do
            request https://127.0.0.1:$api/apis/extensions.agents.x-k8s.io/v1beta1 | grep -q sandboxclaims \
                && request https://127.0.0.1:$api/apis/agents.x-k8s.io/v1beta1 | grep -q sandboxes && break
            sleep 0.2
        done
        echo ready
        cat >/dev/null
        """#
}
