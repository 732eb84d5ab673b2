internal import Basics
public import FoundationEssentials

/// One observation of an object's state (`metav1.Condition`; pods use the same members).
public struct Condition: Hashable, Sendable {
    /// What is observed, for example `Ready` or `Accepted`.
    public var type: String
    public var status: ConditionStatus
    /// A word for programs.
    public var reason: String?
    /// A sentence for people.
    public var message: String?
    /// The `metadata.generation` that was observed; an older one than the object's means that it is out of date.
    public var observedGeneration: Int64?
    public var lastTransitionTime: Date?

    public init(
        type: String,
        status: ConditionStatus,
        reason: String? = nil,
        message: String? = nil,
        observedGeneration: Int64? = nil,
        lastTransitionTime: Date? = nil
    ) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.observedGeneration = observedGeneration
        self.lastTransitionTime = lastTransitionTime
    }
}

/// Whether a condition holds. Anything that is neither `True` nor `False` is unknown.
public enum ConditionStatus: String, Codable, Hashable, Sendable {
    case `true` = "True"
    case `false` = "False"
    case unknown = "Unknown"

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        self = ConditionStatus(rawValue: text) ?? .unknown
    }
}

extension Condition: Codable {
    private enum CodingKeys: String, CodingKey {
        case type, status, reason, message, observedGeneration, lastTransitionTime
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        type = try container.decode(String.self, forKey: .type)
        status = try container.decodeIfPresent(ConditionStatus.self, forKey: .status) ?? .unknown
        reason = try container.decodeIfPresent(String.self, forKey: .reason)
        message = try container.decodeIfPresent(String.self, forKey: .message)
        observedGeneration = try container.decodeIfPresent(Int64.self, forKey: .observedGeneration)
        lastTransitionTime = try container.decodeTimeIfPresent(forKey: .lastTransitionTime)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(type, forKey: .type)
        try container.encode(status, forKey: .status)
        try container.encodeIfPresent(reason, forKey: .reason)
        try container.encodeIfPresent(message, forKey: .message)
        try container.encodeIfPresent(observedGeneration, forKey: .observedGeneration)
        try container.encodeIfPresent(
            lastTransitionTime.map { RFC3339.seconds($0) },
            forKey: .lastTransitionTime
        )
    }
}

extension [Condition] {
    /// The condition called `type`, if the object reports it.
    public func first(ofType type: String) -> Condition? {
        first { $0.type == type }
    }

    /// The conditions that were observed of an object in its present generation. One that names no generation counts as
    /// such: the member is optional.
    public func current(at generation: Int64?) -> [Condition] {
        guard let generation else { return self }
        return filter { $0.observedGeneration == nil || $0.observedGeneration == generation }
    }

    /// Whether the condition called `type` is `True`. Absent and unknown are not true.
    public func isTrue(_ type: String) -> Bool {
        first(ofType: type)?.status == .true
    }
}
