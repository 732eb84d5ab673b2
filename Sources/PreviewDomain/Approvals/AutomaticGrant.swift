/// On what ground a request was granted without asking anybody. The raw value is written into the approval.
public enum AutomaticGrant: String, Hashable, Sendable, Codable, CaseIterable {
    /// The service's own setting approves everything.
    case setting
    /// The run's auto-approve option, on its claim or in the core API.
    case runOption = "run-option"
    /// An earlier grant of scope `run`.
    case runGrant = "run-grant"
    /// An earlier grant of scope `tool`.
    case toolGrant = "tool-grant"
    /// An earlier grant of scope `always`.
    case alwaysGrant = "always-grant"
    /// The auto-approve option of the run's parent run.
    case parentOption = "parent-option"
    /// A grant of scope `run` to the run's parent run.
    case parentRunGrant = "parent-run-grant"
    /// A grant of scope `tool` to the run's parent run.
    case parentToolGrant = "parent-tool-grant"

    /// The ground in words, as the end of a sentence.
    public var words: String {
        switch self {
        case .setting: "this service is set to approve every preview"
        case .runOption: "the run's auto-approve option is on"
        case .runGrant: "this port was approved for the whole run"
        case .toolGrant: "previews of any port were approved for the whole run"
        case .alwaysGrant: "this port was approved for every run"
        case .parentOption: "the auto-approve option of the parent run is on"
        case .parentRunGrant: "this port was approved for the parent run"
        case .parentToolGrant: "previews of any port were approved for the parent run"
        }
    }
}
