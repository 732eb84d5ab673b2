import FoundationEssentials
import YAMLKit

/// One or several kubeconfig files, merged as kubectl merges them.
///
/// The first file to name a cluster, a context or a user wins wholly, and so does the first `current-context`
/// (Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files").
public struct Kubeconfig: Sendable {
    /// The largest kubeconfig file, or file named by one, that is accepted.
    public static let maxFileBytes = 4 * 1024 * 1024

    /// An entry, and the file that it is in.
    struct Entry<Value: Sendable>: Sendable {
        let value: Value
        let path: String
    }

    private(set) var currentContext: String?
    private(set) var clusters: [String: Entry<KubeconfigFile.Cluster>] = [:]
    private(set) var contexts: [String: Entry<KubeconfigFile.Context>] = [:]
    private(set) var users: [String: Entry<KubeconfigFile.User>] = [:]
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
            let text = try KubernetesError.readingFile(path, maxBytes: maxFileBytes, field: "kubeconfig")
            try merged.merge(text, from: path)
        }
        guard !merged.paths.isEmpty else {
            throw KubernetesError(.configuration, "no kubeconfig file exists at \(paths.joined(separator: ":"))")
        }
        return merged
    }

    /// Adds what the text of the file at `path` names first.
    mutating func merge(_ text: String, from path: String) throws {
        let document: YAMLNode?
        do { document = try YAMLNode.document(in: text.utf8) } catch {
            throw KubernetesError(.configuration, "\(path): is not YAML (\(error))")
        }
        guard let document else {
            paths.append(path)
            return
        }
        let file = try KubeconfigFile(document, path: path)
        paths.append(path)
        if currentContext == nil, let context = file.currentContext, !context.isEmpty { currentContext = context }
        for (name, value) in file.clusters where clusters[name] == nil {
            clusters[name] = Entry(value: value, path: path)
        }
        for (name, value) in file.contexts where contexts[name] == nil {
            contexts[name] = Entry(value: value, path: path)
        }
        for (name, value) in file.users where users[name] == nil {
            users[name] = Entry(value: value, path: path)
        }
    }
}
