enum Stub_PreviewClusterTests {}
