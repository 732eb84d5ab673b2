extension StatusFailure {
    /// The request is malformed (400).
    package static func badRequest(_ message: String) -> StatusFailure {
        StatusFailure(code: 400, reason: "BadRequest", message: message)
    }

    /// The object does not exist (404).
    package static func notFound(_ kind: ResourceKind, _ name: String) -> StatusFailure {
        StatusFailure(
            code: 404,
            reason: "NotFound",
            message: "\(kind.qualifiedName) \"\(name)\" not found",
            name: name,
            group: kind.group,
            kind: kind.plural
        )
    }

    /// An object with this name exists (409).
    package static func alreadyExists(_ kind: ResourceKind, _ name: String) -> StatusFailure {
        StatusFailure(
            code: 409,
            reason: "AlreadyExists",
            message: "\(kind.qualifiedName) \"\(name)\" already exists",
            name: name,
            group: kind.group,
            kind: kind.plural
        )
    }

    /// The object is not in the state that the request requires.
    package static func conflict(_ kind: ResourceKind, _ name: String, _ explanation: String) -> StatusFailure {
        StatusFailure(
            code: 409,
            reason: "Conflict",
            message: "Operation cannot be fulfilled on \(kind.qualifiedName) \"\(name)\": \(explanation)",
            name: name,
            group: kind.group,
            kind: kind.plural
        )
    }

    /// The object has another resourceVersion than the request (409).
    package static func modified(_ kind: ResourceKind, _ name: String) -> StatusFailure {
        conflict(
            kind,
            name,
            "the object has been modified; please apply your changes to the latest version and try again"
        )
    }

    /// The object violates the rules of its kind.
    package static func invalid(_ kind: ResourceKind, _ name: String, _ causes: [Cause]) -> StatusFailure {
        let texts = causes.map { $0.field.isEmpty ? $0.message : "\($0.field): \($0.message)" }
        let list = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
        return StatusFailure(
            code: 422,
            reason: "Invalid",
            message: "\(kind.qualifiedKind) \"\(name)\" is invalid: \(list)",
            name: name,
            group: kind.group,
            kind: kind.kind,
            causes: causes
        )
    }

    /// The request is not permitted (403).
    package static func forbidden(_ kind: ResourceKind, _ name: String, _ explanation: String) -> StatusFailure {
        StatusFailure(
            code: 403,
            reason: "Forbidden",
            message: "\(kind.qualifiedName)\(name.isEmpty ? "" : " \"\(name)\"") is forbidden: \(explanation)",
            name: name,
            group: kind.group,
            kind: kind.plural
        )
    }

    /// The requested version is older than the server's history.
    package static func expired(_ message: String) -> StatusFailure {
        StatusFailure(code: 410, reason: "Expired", message: message)
    }

    /// The requested version is newer than the server's.
    package static func tooLargeResourceVersion(_ wanted: Int, current: Int) -> StatusFailure {
        StatusFailure(
            code: 504,
            reason: "Timeout",
            message: "Timeout: Too large resource version: \(wanted), current: \(current)",
            causes: [Cause(reason: "ResourceVersionTooLarge", message: "Too large resource version", field: "")],
            retryAfterSeconds: 1
        )
    }
}
