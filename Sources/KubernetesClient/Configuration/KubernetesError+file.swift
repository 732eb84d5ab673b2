import Basics

extension KubernetesError {
    /// Reads a file that a cluster's configuration names.
    ///
    /// - Parameter field: What names the file, for the error.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration``.
    static func readingFile(_ path: String, maxBytes: Int, field: String) throws -> String {
        do { return try SmallFile.read(path, maxBytes: maxBytes) } catch {
            throw KubernetesError(.configuration, "\(path) (\(field)) \(error)")
        }
    }
}
