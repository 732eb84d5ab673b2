/// The parts of a running development cluster.
struct RunningCluster: Sendable {
    /// The id of the run that has a sandbox.
    let runID: String
    let store: ObjectStore
    let requestLog: RequestLog
    let deletions: RouteDeletions
    let folder: StateFolder
    /// The client that authenticates as the run's owner.
    let service: ServiceClient
    /// The client that authenticates as the run's agent.
    let agent: ServiceClient
    let pages: PageFetcher
    /// The address of the pod in which the app listens.
    let podAddress: String
    let appPort: Int
    let appLog: String
    /// The process id of preview-gateway.
    let serviceProcessID: Int32
    /// The time from the start of preview-gateway's process to the first response 200 of `/readyz`.
    let readyTime: Duration

    /// The name of preview-gateway's user in the API server.
    static let serviceUser = "system:serviceaccount:\(ClusterObjects.namespace):preview-gateway"

    /// The number of requests, other than watches, that preview-gateway has sent to the API server.
    var apiRequests: Int {
        requestLog.count(user: Self.serviceUser) - requestLog.count(verb: "watch", user: Self.serviceUser)
    }
}
