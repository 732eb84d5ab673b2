enum Stub_PreviewServer {}
