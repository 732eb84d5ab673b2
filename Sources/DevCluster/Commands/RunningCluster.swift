import HTTPTransport

/// A development cluster that is up.
struct RunningCluster: Sendable {
    /// The id of the one run that has a sandbox.
    let runID: String
    let store: ObjectStore
    let requestLog: RequestLog
    let deletions: RouteDeletions
    let folder: StateFolder
    /// The service, as the run's owner calls it.
    let service: ServiceClient
    /// The service, as the run's agent calls it.
    let agent: ServiceClient
    let pages: PageFetcher
    /// The pod's address, where the app listens.
    let podAddress: String
    let appPort: Int
    let appLog: String
    /// The process id of preview-gateway.
    let serviceProcessID: Int32
    /// The time from the start of preview-gateway's process to the first 200 of `/readyz`.
    let readyTime: Duration

    /// The user whom preview-gateway is to the API server.
    static let serviceUser = "system:serviceaccount:\(ClusterObjects.namespace):preview-gateway"

    /// The requests that preview-gateway has sent to the API server so far, without its watches.
    var apiRequests: Int {
        requestLog.count(user: Self.serviceUser) - requestLog.count(verb: "watch", user: Self.serviceUser)
    }
}
