# The message alone; its targets ask for protobuf without looking for it.
find_package(Protobuf REQUIRED)
find_package(ONNX REQUIRED)
