/// A refusal, as Kubernetes words it: the `Status` object of an error answer.
///
/// Codes, reasons and texts follow the API conventions ("Response Status Kind") and what kube-apiserver says.
package struct StatusFailure: Error, Sendable, Hashable {
    /// One reason among several why an object is refused.
    package struct Cause: Sendable, Hashable {
        package let reason: String
        package let message: String
        /// The path of the offending member, empty where there is none.
        package let field: String

        package init(reason: String, message: String, field: String) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    /// The HTTP status.
    package let code: Int
    /// The machine-readable reason, for example `AlreadyExists`.
    package let reason: String
    package let message: String
    /// The name of the object in question.
    package var name: String?
    package var group: String?
    /// The resource's plural, or its kind where kube-apiserver says that.
    package var kind: String?
    package var causes: [Cause]
    /// Seconds until a repetition makes sense.
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

    /// The `Status` object.
    package var status: JSONValue {
        var details: [String: JSONValue] = [:]
        details["name"] = name.map(JSONValue.string)
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
        if !details.isEmpty { status["details"] = .object(details) }
        return status
    }
}

extension StatusFailure: CustomStringConvertible {
    package var description: String { "\(code) \(reason): \(message)" }
}
