internal import PreviewControl

/// Why a command did not do all that it was asked to: one line for the operator.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// Reads the cluster's previews, or says why they could not be read.
    static func reading<Value>(_ read: () async throws(ClusterError) -> Value) async throws -> Value {
        do {
            return try await read()
        } catch {
            throw CommandFailure("the cluster's previews could not be read: \(error.detail)")
        }
    }
}
