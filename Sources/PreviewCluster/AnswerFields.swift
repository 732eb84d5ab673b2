internal import HTTPTypes
internal import KubernetesModel
internal import PreviewDomain

/// What a preview's HTTPRoute sets in every answer.
///
/// The mark proves that an answer came by this route, and says by which version of it: something before the gateway that
/// answers in its place, such as a login, does not know it (Docs/Decisions/0060). The other two keep the preview out of search
/// engines, and its address out of the `Referer` of what the page links to.
struct AnswerFields: Hashable, Sendable {
    /// The name of the mark.
    static let markName = RouteMark.fieldName

    private let token: PreviewToken
    private let host: HostHeader

    /// - Parameter host: Which host the app sees: the public one, or `localhost`.
    init(_ token: PreviewToken, host: HostHeader = .preserve) {
        self.token = token
        self.host = host
    }

    /// The mark's value. The fingerprint is no secret, and the app sees nothing of it.
    var mark: String { "\(token.fingerprint);host=\(host.rawValue)" }

    var filter: HTTPRoute.Filter {
        HTTPRoute.Filter(
            responseHeaderModifier: HTTPRoute.HeaderModifier(
                set: [
                    HTTPRoute.Header(name: Self.markName, value: mark),
                    HTTPRoute.Header(name: "x-robots-tag", value: "noindex"),
                    HTTPRoute.Header(name: "referrer-policy", value: "no-referrer"),
                ]
            )
        )
    }

    /// Whether a route marks its answers.
    static func areSet(by route: HTTPRoute) -> Bool {
        route.spec.rules.contains { rule in
            (rule.filters ?? []).contains { filter in
                filter.responseHeaderModifier?.set?.contains { $0.name.lowercased() == markName } ?? false
            }
        }
    }

    /// Whether an answer is the page that hosts without a preview get.
    static func areOfEndedPage(_ fields: HTTPFields) -> Bool {
        HTTPField.Name(markName).map { fields[$0] == RouteMark.noPreview } ?? false
    }

    /// Which host the app saw, by the mark of an answer; `nil` for the answer of another route, or of somebody else.
    static func host(in fields: HTTPFields, of token: PreviewToken) -> HostHeader? {
        guard let name = HTTPField.Name(markName), let mark = fields[name] else { return nil }
        return [HostHeader.preserve, .localhost].first { AnswerFields(token, host: $0).mark == mark }
    }
}
