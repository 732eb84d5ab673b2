/// An error response of the API server, as a `Status` object.
///
/// Codes, reasons and messages follow the API conventions ("Response Status Kind") and the behaviour of kube-apiserver.
package struct StatusFailure: Error, Sendable, Hashable {
    /// One of the causes of an error (`metav1.StatusCause`).
    package struct Cause: Sendable, Hashable {
        package let reason: String
        package let message: String
        /// The path of the invalid member; empty if there is none.
        package let field: String

        package init(reason: String, message: String, field: String) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    /// The HTTP status code.
    package let code: Int
    /// The machine-readable reason, for example `AlreadyExists`.
    package let reason: String
    package let message: String
    /// The name of the object that the error is about.
    package var name: String?
    package var group: String?
    /// The plural of the resource, or its kind where kube-apiserver uses that.
    package var kind: String?
    package var causes: [Cause]
    /// The number of seconds to wait before the next attempt.
    package var retryAfterSeconds: Int?

    package init(
        code: Int,
        reason: String,
        message: String,
        name: String? = nil,
        group: String? = nil,
        kind: String? = nil,
        causes: [Cause] = [],
        retryAfterSeconds: Int? = nil
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.name = name
        self.group = group
        self.kind = kind
        self.causes = causes
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// The error as a `Status` object.
    package var status: JSONValue {
        var details: [String: JSONValue] = [:]
        details["name"] = name.flatMap { $0.isEmpty ? nil : .string($0) }
        details["group"] = group.flatMap { $0.isEmpty ? nil : .string($0) }
        details["kind"] = kind.map(JSONValue.string)
        details["retryAfterSeconds"] = retryAfterSeconds.map { .int(Int64($0)) }
        if !causes.isEmpty {
            details["causes"] = .array(
                causes.map { cause in
                    var members: [String: JSONValue] = [
                        "reason": .string(cause.reason), "message": .string(cause.message),
                    ]
                    if !cause.field.isEmpty { members["field"] = .string(cause.field) }
                    return .object(members)
                }
            )
        }
        var status: JSONValue = [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message),
            "reason": .string(reason), "code": .int(Int64(code)),
        ]
        if reason.isEmpty { status["reason"] = nil }
        if !details.isEmpty { status["details"] = .object(details) }
        return status
    }
}

extension StatusFailure: CustomStringConvertible {
    package var description: String { "\(code) \(reason): \(message)" }
}
