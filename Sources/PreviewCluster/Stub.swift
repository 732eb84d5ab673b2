enum Stub_PreviewCluster {}
