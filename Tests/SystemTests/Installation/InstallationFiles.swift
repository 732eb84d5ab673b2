import Foundation
import Subprocess
import TestPeers
import TestSupport
import YAMLKit

/// The manifests, scripts and alerts of an installation, and the programs that check them.
enum InstallationFiles {
    /// A Python that has the packages of `.ci/setup manifests`.
    static let python = TestPrograms.named(by: "MANIFESTS_PYTHON")

    /// The output of a program, and how it ended.
    struct Result: Sendable {
        let output: String
        let errors: String
        let isSuccess: Bool
    }

    /// Runs a program until it ends.
    ///
    /// - Parameters:
    ///   - environment: Variables in addition to those of this process.
    ///   - input: The program's standard input.
    static func run(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        input: String = ""
    ) async throws -> Result {
        var variables: [Environment.Key: String?] = [:]
        for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
        let result = try await Subprocess.run(
            // `env` accepts both a name and a path.
            .name("env"),
            arguments: Arguments([program] + arguments),
            environment: .inherit.updating(variables),
            input: .string(input),
            output: .string(limit: 1 << 24),
            error: .string(limit: 1 << 20)
        )
        return Result(
            output: result.standardOutput,
            errors: result.standardError,
            isSuccess: result.terminationStatus.isSuccess
        )
    }

    // MARK: Manifests

    /// One object of a rendered overlay.
    struct Manifest: Sendable {
        let yaml: String
        let apiVersion: String
        let kind: String
        let name: String
    }

    static let overlays = ["aks", "generic"]
    /// The last one is a part of every overlay.
    static let components = [
        "admission-policy", "flow-schema", "monitoring", "monitoring-azure", "sandbox-callers", "operator",
    ]

    /// Renders an overlay with components.
    static func render(overlay: String, components: [String] = []) async throws -> String {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try FileManager.default.copyItem(atPath: ProjectFiles.path("k8s"), toPath: folder.file("k8s"))
        let installation = folder.file("k8s/installation")
        try FileManager.default.createDirectory(atPath: installation, withIntermediateDirectories: true)
        let kustomization = """
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            namespace: agentweaver
            resources: [../overlays/\(overlay)]
            components: [\(components.map { "../components/\($0)" }.joined(separator: ", "))]
            """
        try folder.write("k8s/installation/kustomization.yaml", kustomization)
        let result = try await run("kubectl", ["kustomize", installation])
        guard result.isSuccess else { throw Failure(description: result.errors) }
        return result.output
    }

    /// Renders an overlay and splits it into objects.
    static func manifests(overlay: String, components: [String] = []) async throws -> [Manifest] {
        try await render(overlay: overlay, components: components).components(separatedBy: "\n---\n").map { yaml in
            guard let object = try YAMLNode.objects(in: yaml).first,
                let apiVersion = object["apiVersion"] as? String, let kind = object["kind"] as? String,
                let name = (object["metadata"] as? [String: Any])?["name"] as? String
            else { throw Failure(description: "a document is no object: \(yaml.prefix(100))") }
            return Manifest(yaml: yaml, apiVersion: apiVersion, kind: kind, name: name)
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }
}

extension InstallationFiles.Manifest {
    /// The whole object.
    func object() throws -> [String: Any] { try YAMLNode.objects(in: yaml).first ?? [:] }

    /// A value inside the object; the path consists of names of members and indices of elements.
    func value<Value>(_ path: any Sendable..., as type: Value.Type = Value.self) throws -> Value? {
        var value: Any? = try object()
        for step in path {
            if let name = step as? String { value = (value as? [String: Any])?[name] }
            if let index = step as? Int {
                let list = value as? [Any] ?? []
                value = list.indices.contains(index) ? list[index] : nil
            }
        }
        return value as? Value
    }
}
