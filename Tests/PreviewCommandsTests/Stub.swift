enum Stub_PreviewCommandsTests {}
