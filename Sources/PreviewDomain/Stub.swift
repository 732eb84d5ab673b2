enum Stub_PreviewDomain {}
