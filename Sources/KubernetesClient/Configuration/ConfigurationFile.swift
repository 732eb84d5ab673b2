import FoundationEssentials

/// Reads the small files that a cluster's configuration consists of.
enum ConfigurationFile {
    /// Reads a text file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - maxBytes: The largest size accepted.
    ///   - field: What names the file, for the error.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration``.
    static func read(_ path: String, maxBytes: Int, field: String) throws -> String {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        if let size = attributes?[.size] as? Int, size > maxBytes {
            throw KubernetesError(.configuration, "\(path) (\(field)) is larger than \(maxBytes) bytes")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw KubernetesError(.configuration, "\(path) (\(field)) cannot be read")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw KubernetesError(.configuration, "\(path) (\(field)) is not UTF-8 text")
        }
        return text
    }
}
