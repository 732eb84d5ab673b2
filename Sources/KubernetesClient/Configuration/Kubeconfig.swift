import FoundationEssentials
import KubernetesModel
import Yams

/// One or several kubeconfig files, merged as kubectl merges them.
///
/// The first file to name a cluster, a context or a user wins wholly, and so does the first `current-context`
/// (Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files").
public struct Kubeconfig: Sendable {
    /// The largest kubeconfig file, or file named by one, that is accepted.
    public static let maxFileBytes = 4 * 1024 * 1024
    /// The most values in what a cluster tells exec plugins. A few aliases can make a short text stand for billions.
    static let maxExtensionValues = 10_000

    /// An entry, and the file that it is in.
    struct Entry<Value: Sendable>: Sendable {
        let value: Value
        let path: String
    }

    private(set) var currentContext: String?
    private(set) var clusters: [String: Entry<KubeconfigFile.Cluster>] = [:]
    private(set) var contexts: [String: Entry<KubeconfigFile.Context>] = [:]
    private(set) var users: [String: Entry<KubeconfigFile.User>] = [:]
    /// What clusters tell exec plugins about themselves.
    private(set) var execExtensions: [String: JSONValue] = [:]
    /// The files read, for error messages.
    private(set) var paths: [String] = []

    /// Loads and merges files.
    ///
    /// - Parameters:
    ///   - paths: The files, the most important one first.
    ///   - mustExist: Whether a missing file is an error. In `$KUBECONFIG` missing files are skipped.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration`` that names the file.
    public static func load(paths: [String], mustExist: Bool) throws -> Kubeconfig {
        var merged = Kubeconfig()
        for path in paths where !path.isEmpty {
            if !mustExist, !FileManager.default.fileExists(atPath: path) { continue }
            let text = try ConfigurationFile.read(path, maxBytes: maxFileBytes, field: "kubeconfig")
            try merged.merge(text, from: path)
        }
        guard !merged.paths.isEmpty else {
            throw KubernetesError(.configuration, "no kubeconfig file exists at \(paths.joined(separator: ":"))")
        }
        return merged
    }

    /// Adds what the text of the file at `path` names first.
    mutating func merge(_ text: String, from path: String) throws {
        let file: KubeconfigFile
        let root: Node
        do {
            guard let node = try Yams.compose(yaml: text) else {
                paths.append(path)
                return
            }
            root = node
            file = try YAMLDecoder().decode(KubeconfigFile.self, from: root)
        } catch {
            throw KubernetesError(.configuration, "\(path): \(Self.explain(error))")
        }
        paths.append(path)
        if currentContext == nil, let context = file.currentContext, !context.isEmpty { currentContext = context }
        for (name, value) in file.clusters where clusters[name] == nil {
            clusters[name] = Entry(value: value, path: path)
            execExtensions[name] = try Self.execExtension(of: name, in: root, path)
        }
        for (name, value) in file.contexts where contexts[name] == nil {
            contexts[name] = Entry(value: value, path: path)
        }
        for (name, value) in file.users where users[name] == nil {
            users[name] = Entry(value: value, path: path)
        }
    }

    /// Says where a file is wrong, without quoting it: the line may hold a secret.
    private static func explain(_ error: any Error) -> String {
        switch error {
        case DecodingError.typeMismatch(_, let context), DecodingError.dataCorrupted(let context),
            DecodingError.valueNotFound(_, let context):
            return "\(field(context.codingPath)) has the wrong type"
        case DecodingError.keyNotFound(let key, let context):
            return "\(field(context.codingPath + [key])) is missing"
        case YamlError.scanner(_, _, let mark, _), YamlError.parser(_, _, let mark, _),
            YamlError.composer(_, _, let mark, _):
            return "is not YAML (line \(mark.line))"
        default:
            return "is not YAML"
        }
    }

    private static func field(_ path: [any CodingKey]) -> String {
        let text = path.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined()
        return text.isEmpty ? "the document" : String(text.drop { $0 == "." })
    }

    private static func execExtension(of cluster: String, in root: Node, _ path: String) throws -> JSONValue? {
        let entry = root["clusters"]?.sequence?.first { $0["name"]?.string == cluster }
        let named = entry?["cluster"]?["extensions"]?.sequence?.first {
            $0["name"]?.string == "client.authentication.k8s.io/exec"
        }
        guard let value = named?["extension"] else { return nil }
        var room = maxExtensionValues
        guard let json = JSONValue(value, room: &room) else {
            throw KubernetesError(
                .configuration,
                "\(path): the extension of cluster \(cluster) has more than \(maxExtensionValues) values"
            )
        }
        return json
    }
}

extension JSONValue {
    /// The JSON value that a YAML node stands for; quoted scalars are text whatever they look like.
    ///
    /// - Parameter room: How many values there may be, less those that there are.
    /// - Returns: `nil` when there are more.
    fileprivate init?(_ node: Node, room: inout Int) {
        guard room > 0 else { return nil }
        room -= 1
        switch node {
        case .mapping(let mapping):
            var members: [String: JSONValue] = [:]
            for (key, value) in mapping {
                guard let value = JSONValue(value, room: &room) else { return nil }
                if let key = key.string, members[key] == nil { members[key] = value }
            }
            self = .object(members)
        case .sequence(let sequence):
            var values: [JSONValue] = []
            for node in sequence {
                guard let value = JSONValue(node, room: &room) else { return nil }
                values.append(value)
            }
            self = .array(values)
        case .scalar(let scalar) where scalar.style == .plain || scalar.style == .any:
            self =
                node.null.map { _ in .null } ?? node.bool.map { .bool($0) } ?? node.int.map { .integer(Int64($0)) }
                ?? node.float.map { .number($0) } ?? .string(scalar.string)
        case .scalar(let scalar):
            self = .string(scalar.string)
        case .alias:
            self = .null
        }
    }
}
